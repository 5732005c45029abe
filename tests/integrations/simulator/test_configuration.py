from collections.abc import Callable
from typing import Any

import pytest

from tests.integrations.simulator.fake_portal import FakePortal
from tests.integrations.simulator.process import API, Caller, Simulator

Breaches = Callable[[], list[str]]
PATH = f"{API}/partner/configuration"
FIELD = {"id": "level", "name": "Level", "description": "Seniority"}


def test_configuration_is_answered_as_it_was_sent(simulator: Simulator, portal: FakePortal, breaches: Breaches) -> None:
    document = portal.build_configuration(consentDisplayMode="POPUP", fields=[])
    del document["inlineAssessmentPackageOrderUrl"]
    sent = simulator.master_caller().call("PUT", PATH, json=document)
    read = simulator.master_caller().call("GET", PATH)
    assert (sent.status_code, sent.json(), read.json(), breaches()) == (200, document, document, [])


def test_configuration_before_any_is_404(fresh: Simulator) -> None:
    fresh.start()
    answer = fresh.master_caller().call("GET", PATH)
    assert answer.status_code == 404
    assert answer.json() == {"errors": [{"code": "NOT_FOUND", "message": "there is no partner configuration yet"}]}


@pytest.mark.parametrize(
    "key",
    [
        "consentUrl",
        "consentDisplayMode",
        "assessmentPackageListUrl",
        "singleAssessmentPackageUrl",
        "oauthTokenUrl",
        "supportedAssessmentTypes",
    ],
)
def test_configuration_without_a_required_key_is_refused(
    simulator: Simulator, portal: FakePortal, breaches: Breaches, key: str
) -> None:
    document = portal.build_configuration()
    del document[key]
    answer = simulator.master_caller().call("PUT", PATH, json=document)
    assert (answer.status_code, breaches()) == (400, ["malformed configuration"])
    assert answer.json() == {"errors": [{"code": "BAD_REQUEST", "message": f"{key} is missing"}]}


@pytest.mark.parametrize(
    "change",
    [
        {"companyIntegrationUrl": "https://vendor.example/x"},
        {"consentDisplayMode": "WINDOW"},
        {"inlineAssessmentPackageOrderUrl": ""},
        {"inlineAssessmentPackageOrderUrl": None},
        {"packageOrderUrl": "/orders"},
        {"packageOrderUrl": "https://vendor.example/{companyId}"},
        {"consentUrl": "ftp://vendor.example/"},
        {"supportedAssessmentTypes": []},
        {"supportedAssessmentTypes": ["SKILLS_TEST"]},
        {"supportedAssessmentTypes": ["SKILL_TEST", "SKILL_TEST"]},
        {"fields": [{**FIELD, "id": f"f{n}"} for n in range(6)]},
        {"fields": [FIELD, FIELD]},
        {"fields": [{"id": "level", "name": "Level"}]},
        {"fields": [{**FIELD, "type": "text"}]},
        {"fields": [{**FIELD, "id": "city"}]},
        {"fields": [{**FIELD, "id": "a b"}]},
        {"fields": [{**FIELD, "name": ""}]},
    ],
)
def test_configuration_that_is_wrong_is_refused(
    simulator: Simulator, portal: FakePortal, breaches: Breaches, change: dict[str, Any]
) -> None:
    answer = simulator.master_caller().call("PUT", PATH, json=portal.build_configuration(**change))
    assert (answer.status_code, breaches()) == (400, ["malformed configuration"])
    assert simulator.master_caller().call("GET", PATH).json() == portal.build_configuration()


def test_configuration_needs_the_master_token(customer: Caller, portal: FakePortal, breaches: Breaches) -> None:
    answer = customer.call("PUT", PATH, json=portal.build_configuration())
    assert (answer.status_code, breaches()) == (403, ["token without the scope"])


def test_configuration_by_post_is_refused(simulator: Simulator, portal: FakePortal, breaches: Breaches) -> None:
    answer = simulator.master_caller().call("POST", PATH, json=portal.build_configuration())
    assert (answer.status_code, breaches()) == (405, ["wrong method"])
