"""Publishing and comparing the partner configuration in admin, against the simulator."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client as Browser

from integrations.models import AuditEntry, PartnerConfiguration
from tests.integrations.simulator.process import Simulator

pytestmark = pytest.mark.django_db
AT = "/admin/integrations/partnerconfiguration"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path_factory.mktemp("simulator"))
    simulator.start()
    yield simulator
    simulator.kill()


@pytest.fixture(autouse=True)
def _simulator(running: Simulator, settings: Any) -> None:
    settings.SMARTRECRUITERS_API_URL = running.url
    running.control.change_settings(limits=False)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_configuration_is_published_and_compared(staff_browser: Browser) -> None:
    assert "SmartRecruiters has no configuration yet." in text(staff_browser.post(f"{AT}/compare/"))
    assert "Published. SmartRecruiters" in text(staff_browser.post(f"{AT}/publish/", follow=True))
    assert "SmartRecruiters has the same configuration." in text(staff_browser.post(f"{AT}/compare/"))
    PartnerConfiguration.objects.update(display_mode="POPUP")
    page = text(staff_browser.post(f"{AT}/compare/"))
    assert "1 difference." in page
    assert "<ins>POPUP</ins>" in page
    assert "<del>REDIRECT</del>" in page
    assert "It has changed since: publish it again." in text(staff_browser.get(f"{AT}/1/change/"))
    recorded = AuditEntry.objects.filter(action__startswith="conf").order_by("pk").values_list("action", "actor_name")
    assert [action for action, by in recorded if by == "stella@vendor.example"] == [
        "configuration.compared",
        "configuration.published",
        "configuration.compared",
        "configuration.compared",
    ]


def test_configuration_that_leads_nowhere_is_warned_of(staff_browser: Browser, settings: Any) -> None:
    warning = "SmartRecruiters cannot reach <code>http://localhost:8000</code>."
    settings.SMARTRECRUITERS_IS_LOOPBACK = True
    assert warning not in text(staff_browser.get(f"{AT}/1/change/"))
    settings.SMARTRECRUITERS_IS_LOOPBACK = False
    assert warning in text(staff_browser.get(f"{AT}/1/change/"))
