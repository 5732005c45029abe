"""Capture of a company: an administrator of one customer polls *Approve* for the company of another.

SmartRecruiters' consent URL is not signed. Before companies had to be confirmed, the thirteenth of these approvals won
the company, in the minutes between its owner's click in SmartRecruiters and their approval here.
"""

import re
from collections.abc import Iterator

import pytest
import requests

from tests.e2e.world import Person, World, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-capture")]
ATTACKER, OWNER = 0, 1


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("capture"), engine=False) as world:
        require_confirmation(world)
        yield world


def require_confirmation(world: World) -> None:
    """Make the sample customers ordinary ones. As samples, they need no confirmation."""
    change = "from integrations.models import *; Customer.objects.update(skips_confirmation=False)"
    world.run_manage("shell", "-c", change)


def build_consent_url(world: World, company: str) -> str:
    return f"{world.url}/smartrecruiters/integration?companyId={company}&redirect={world.simulator.url}/x"


def read_heading(answer: requests.Response) -> str:
    found = re.search(r"<h1>(.*?)</h1>", answer.text)
    assert found is not None, answer.text[:2000]
    return found[1]


def sign_in_staff(world: World) -> Person:
    account = world.seeded["admin"]
    staff = Person(world, account["email"], account["password"])
    staff.submit_form(staff.session.get(f"{world.url}/admin/", timeout=30), login=staff.email, password=staff.password)
    return staff


def list_issues(staff: Person) -> list[str]:
    page = " ".join(staff.session.get(f"{staff.world.url}/admin/", timeout=30).text.split())
    return [re.sub(r" <span.*", "", each) for each in re.findall(r"<p>((?:[A-Z]\w+ )+(?:asks|tried) .*?)</p>", page)]


def press_button(staff: Person, label: str) -> requests.Response:
    """Press the button with this label on the overview."""
    page = staff.session.get(f"{staff.world.url}/admin/", timeout=30)
    form = next(each for each in re.findall(r"<form.*?</form>", page.text, re.DOTALL) if f">{label}<" in each)
    action, token = re.search(r'action="([^"]+)"', form), re.search(r'value="([^"]+)"', form)
    assert action is not None
    assert token is not None
    headers = {"Origin": staff.world.url}
    data = {"csrfmiddlewaretoken": token[1]}
    return staff.session.post(f"{staff.world.url}{action[1]}", data=data, headers=headers, timeout=30)


def find_mail(world: World, to: str, subject: str) -> bool:
    mails = [file.read_text() for file in (world.folder / "mail").glob("*")]
    return any(f"Subject: {subject}\n" in mail and f"To: {to}\n" in mail for mail in mails)


def test_polled_approval_waits_and_the_owner_connects_by_one_click_of_staff(world: World) -> None:
    world.control.add_company("victim")
    attacker, owner, staff = world.sign_in(ATTACKER), world.sign_in(OWNER), sign_in_staff(world)
    for number in range(15):
        answer = attacker.approve_consent(build_consent_url(world, "victim"))
        expected = (200, "Assessments confirms the connection") if number < 10 else (429, "Too many attempts")
        assert (answer.status_code, read_heading(answer)) == expected
        if number == 5:  # the owner allows the app in SmartRecruiters, and has not approved here yet
            world.control.grant_consent("victim")
    assert world.control.get_company("victim")["state"] != "connected"
    calls = [each["route"] for each in world.control.iterate_events(kinds="call")]
    assert "integration" not in calls, "SmartRecruiters was not even asked"

    waiting = owner.approve_consent(build_consent_url(world, "victim"))
    assert (waiting.status_code, read_heading(waiting)) == (200, "Assessments confirms the connection")
    assert list_issues(staff) == [
        "Northwind Retail asks to connect the company victim. Harbour Clinics claims it, too: find out whose it is.",
        "Harbour Clinics asks to connect the company victim. Northwind Retail claims it, too: find out whose it is.",
        "Northwind Retail tried to connect the company victim, which another customer claims, too.",
        "Harbour Clinics tried to connect the company victim, which another customer claims, too.",
        "Northwind Retail tried 10 times in vain to connect the company victim.",
    ]
    confirmed = press_button(staff, "Confirm for Harbour Clinics")
    assert "The company victim belongs to Harbour Clinics now." in confirmed.text
    wait_for("the owner's company", lambda: world.control.get_company("victim")["state"] == "connected")
    wait_for("the owner's email", lambda: find_mail(world, owner.email, "victim is connected"))
    wait_for("the attacker's email", lambda: find_mail(world, attacker.email, "victim was not confirmed"))
    assert list_issues(staff) == [
        "Northwind Retail tried to connect the company victim, which belongs to Harbour Clinics.",
        "Northwind Retail tried 10 times in vain to connect the company victim.",
    ]

    [order] = world.control.place_orders("victim", world.package_ids("SKILL_TEST")[0])
    assert order["status_code"] == 202
    seen = [person.session.get(f"{world.url}/orders/", timeout=30).text for person in (attacker, owner)]
    assert [re.findall("No orders yet|1 order(?=<)", page) for page in seen] == [["No orders yet"], ["1 order"]]


def test_page_that_waited_leads_back_to_smartrecruiters_once_staff_confirmed(world: World) -> None:
    world.control.add_company("patient")
    world.control.grant_consent("patient")
    owner, staff = world.sign_in(OWNER), sign_in_staff(world)
    page = owner.approve_consent(build_consent_url(world, "patient"))
    assert '<meta http-equiv="refresh" content="10">' in page.text
    press_button(staff, "Confirm for Harbour Clinics")

    def reload_page() -> str:
        answer = owner.session.get(page.url, allow_redirects=False, timeout=30)
        return answer.headers.get("Location", "")

    assert wait_for("the way back", reload_page) == f"{world.simulator.url}/x"
    again = owner.approve_consent(build_consent_url(world, "patient"))
    assert read_heading(again) != "Assessments confirms the connection", "it is the owner's now"


def test_customers_of_the_demo_connect_without_staff(world: World) -> None:
    world.run_manage("seed_demo", "--json")
    world.connect_company("sample", OWNER)
    require_confirmation(world)
