"""Actions of people in the browser: a customer's administrator, a recruiter, a candidate, staff."""

import re
from email import message_from_bytes, policy
from pathlib import Path

from playwright.sync_api import Frame, Page, expect
from pypdf import PdfReader

from tests.e2e.browser import Visitor
from tests.e2e.world import Json, World, wait_for


def sign_in(place: Page | Frame, account: Json) -> None:
    place.get_by_label("Email address").fill(account["email"])
    place.get_by_label("Password").fill(account["password"])
    place.get_by_role("button", name="Sign in", exact=True).click()


def sign_in_to_admin(staff: Visitor, world: World) -> None:
    staff.page.goto(f"{world.url}/admin/")
    sign_in(staff.page, world.seeded["admin"])
    expect(staff.page.get_by_role("heading", name="Overview")).to_be_visible()


def open_in_admin(staff: Visitor, name: str) -> None:
    sidebar = staff.page.locator("#nav-sidebar tbody, #nav-sidebar table")
    sidebar.get_by_role("link", name=name, exact=True).last.click()


def publish_display_mode(staff: Visitor, mode: str) -> None:
    open_in_admin(staff, "Partner configuration")
    staff.page.get_by_label("Consent page opens as").select_option(mode)
    staff.press_button("Save and continue editing")
    staff.press_button("Publish to SmartRecruiters")
    expect(staff.page.get_by_text("Published. SmartRecruiters has confirmed the configuration.")).to_be_visible()


def open_company(person: Visitor, start: str, company: str, link: str) -> None:
    """Open a company from the simulator's home page at `start`."""
    person.page.goto(start)
    card = person.page.locator("section.card", has=person.page.get_by_text(company, exact=True))
    card.get_by_role("link", name=link).click()


def ask_to_connect(person: Visitor, start: str, company: str) -> None:
    open_company(person, start, company, "Open apps")
    person.follow_link("Connect")
    person.press_button("Allow and continue")


def connect_company(person: Visitor, world: World, company: str, customer: int = 0) -> None:
    """Connect a company in REDIRECT mode, signing in if necessary."""
    ask_to_connect(person, world.simulator.url, company)
    sign_in_heading = person.page.get_by_role("heading", name="Sign in", exact=True)
    expect(sign_in_heading.or_(person.page.get_by_role("button", name="Approve", exact=True))).to_be_visible()
    if sign_in_heading.is_visible():
        sign_in(person.page, world.seeded["customers"][customer])
    person.press_button("Approve")
    expect(person.page.get_by_role("heading", name="is connected")).to_be_visible()


def disconnect_in_smartrecruiters(person: Visitor, world: World, company: str) -> None:
    open_company(person, world.simulator.url, company, "Order an assessment")
    person.follow_link("Apps")
    person.press_button("Disconnect")
    expect(person.page.get_by_role("link", name="Connect", exact=True)).to_be_visible()


def place_order(recruiter: Visitor, world: World, company: str, package: str, candidate: str) -> None:
    """Place an order, and stay on the candidate's panel."""
    open_company(recruiter, world.simulator.url, company, "Order an assessment")
    card = recruiter.page.locator("section.card", has=recruiter.page.get_by_role("heading", name=package, exact=True))
    card.get_by_role("link", name="Order").click()
    choice = recruiter.page.get_by_role("combobox", name="Candidate")
    # By a part of its text: the name in it is isolated by invisible characters.
    choice.select_option(value=choice.locator("option", has_text=candidate).get_attribute("value"))
    recruiter.press_button("Place the order")
    expect(recruiter.page.get_by_role("heading", name=package, exact=True)).to_be_visible()


def find_invitation(world: World, email: str, package: str) -> str:
    """Return the link in the email that invites this candidate to this package."""

    def find_link() -> str:
        for file in (world.folder / "mail").glob("*"):
            for raw in file.read_bytes().split(b"\n" + b"-" * 79 + b"\n"):
                mail = message_from_bytes(raw.lstrip(), policy=policy.default)
                body = mail.get_body(("plain",))
                if email in str(mail["To"]) and package in str(mail["Subject"]) and body is not None:
                    return re.findall(r"http://\S+/take/[\w-]+", body.get_content())[0]
        return ""

    return wait_for(f"the invitation of {email}", find_link)


def answer_questions(candidate: Visitor) -> None:
    """Choose the first answer to each question on the sample engine's page."""
    expect(candidate.page.get_by_text("please choose one answer to each question")).to_be_visible()
    for question in candidate.page.get_by_role("group").all():
        question.get_by_role("radio").first.check()
    candidate.press_button("Submit answers")


def take_assessment(candidate: Visitor, link: str, package: str) -> None:
    candidate.page.goto(link)
    expect(candidate.page.get_by_role("button", name="Start")).to_be_visible()
    candidate.expect_page(package)
    candidate.press_button("Start")
    answer_questions(candidate)
    candidate.expect_page("Thank you")


def read_report(recruiter: Visitor) -> str:
    with recruiter.page.expect_download() as download:
        recruiter.follow_link("Report 1")
    assert download.value.suggested_filename == "report.pdf"
    return PdfReader(Path(download.value.path())).pages[0].extract_text()
