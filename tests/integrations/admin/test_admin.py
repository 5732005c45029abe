"""The admin of customers, people, connections, engines and the partner configuration."""

import re
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.test import Client as Browser

from integrations.admin.partner import parse_difference
from integrations.admin.partner_form import FROM_ENVIRONMENT_HELP
from integrations.connections import partner_configuration
from integrations.models import (
    AuditEntry,
    Client,
    Connection,
    ConnectionState,
    Customer,
    Membership,
    PartnerConfiguration,
    User,
)
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery, DeliveryState, Stream
from tests import rows

pytestmark = pytest.mark.django_db
STELLA = "stella@vendor.example"
AT = "/admin/integrations"


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def acts(prefix: str) -> list[tuple[str, str, str]]:
    found = AuditEntry.objects.filter(action__startswith=prefix).order_by("pk")
    return list(found.values_list("action", "subject", "actor_name"))


def inlines(*prefixes: str) -> dict[str, int]:
    return {f"{prefix}-{name}_FORMS": 0 for prefix in prefixes for name in ("TOTAL", "INITIAL")}


# Customers and their people


def test_customer_is_added_and_switched_off(staff_browser: Browser) -> None:
    staff_browser.post(f"{AT}/customer/add/", {"name": "Old Mill", "is_active": "on", "language": "en"})
    customer = Customer.objects.get()
    assert (customer.name, customer.is_active) == ("Old Mill", True)
    staff_browser.post(
        f"{AT}/customer/{quote(customer.pk)}/change/",
        {"name": "Old Mill", "language": "de", **inlines("connections", "claims", "memberships", "invitations")},
    )
    customer.refresh_from_db()
    assert customer.is_active is False
    assert acts("customer.") == [("customer.added", customer.pk, STELLA), ("customer.changed", customer.pk, STELLA)]


def test_customer_that_connected_is_not_deleted(
    staff_browser: Browser, connection: Connection, other_customer: Customer
) -> None:
    url = f"{AT}/customer/{{}}/delete/"
    assert staff_browser.get(url.format(quote(connection.customer_id))).status_code == 403
    assert staff_browser.post(url.format(quote(other_customer.pk)), {"post": "yes"}).status_code == 302
    assert list(Customer.objects.all()) == [connection.customer]


def test_customer_page_shows_people_and_connections(
    staff_browser: Browser, connection: Connection, alice: User
) -> None:
    page = text(staff_browser.get(f"{AT}/customer/{quote(connection.customer_id)}/change/"))
    for said in (
        "alice@northwind.example",
        ">northwind<",
        f"/admin/integrations/user/add/?customer={connection.customer_id}",
        '<td class="field-person_link">',
    ):
        assert said in page


def test_customer_list_asks_as_often_for_one_row_as_for_many(
    staff_browser: Browser, customer: Customer, django_assert_num_queries: Any
) -> None:
    staff_browser.get(f"{AT}/customer/")
    with django_assert_num_queries(5) as one:
        staff_browser.get(f"{AT}/customer/")
    rows.make_connection(rows.make_customer("Other"), "other")
    with django_assert_num_queries(len(one)):
        staff_browser.get(f"{AT}/customer/")


def person(**fields: Any) -> dict[str, Any]:
    return {"email": "Dora@Northwind.example", "name": "Dora", "role": "administrator", **fields}


def changed(user: User, *added: dict[str, str], **fields: Any) -> dict[str, Any]:
    """Return the form of a person's page with the present memberships and `added` ones."""
    rows_of = [{"id": each.pk, "customer": each.customer_id, "role": each.role} for each in user.memberships.all()]
    inline = {"TOTAL_FORMS": len(rows_of) + len(added), "INITIAL_FORMS": len(rows_of)}
    inline |= {f"{at}-{name}": value for at, row in enumerate([*rows_of, *added]) for name, value in row.items()}
    inline |= {f"{at}-person": user.pk for at in range(len(rows_of) + len(added))}
    person = {"email": user.email, "name": user.name, "staff_role": user.staff_role, "is_active": "on"}
    return {**person, **{f"memberships-{name}": value for name, value in inline.items()}, **fields}


def test_user_is_added_with_a_link_to_choose_a_password(staff_browser: Browser, customer: Customer) -> None:
    staff_browser.post(f"{AT}/user/add/", person(customer=customer.pk))
    user = User.objects.get(name="Dora")
    assert (user.email, user.staff_role) == ("dora@northwind.example", "")
    assert [*user.memberships.values_list("customer", "role")] == [(customer.pk, "administrator")]
    assert not user.has_usable_password()
    assert sorted(acts("user.")) == [
        ("user.added", str(user.pk), STELLA),
        ("user.password_link_sent", str(user.pk), STELLA),
    ]
    assert acts("membership.") == [("membership.added", str(user.pk), STELLA)]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"email": "ALICE@northwind.example"}, "already exists"),
        ({"staff_role": "viewer"}, "Partner staff cannot belong to a customer."),
    ],
)
def test_user_that_is_wrong_is_refused(staff_browser: Browser, alice: User, fields: dict[str, str], said: str) -> None:
    assert said in text(staff_browser.post(f"{AT}/user/add/", person(customer=alice.customers.get().pk, **fields)))
    assert not User.objects.filter(name="Dora").exists()


def test_user_of_nobody_is_refused(staff_browser: Browser) -> None:
    assert "Choose a customer here or a staff role below" in text(staff_browser.post(f"{AT}/user/add/", person()))
    assert not User.objects.filter(name="Dora").exists()


def test_user_page_says_each_thing_once_and_in_our_words(
    staff_browser: Browser, alice: User, customer: Customer
) -> None:
    page = text(staff_browser.get(f"{AT}/user/{alice.pk}/change/"))
    for said in ("Last sign-in:", "Staff role:", "Inactive people cannot sign in.", "Added:"):
        assert said in page
    assert [word for word in ("Last login", "Is active", "Empty for a customer", "Date joined") if word in page] == []
    added = text(staff_browser.post(f"{AT}/user/add/", person(customer=customer.pk), follow=True))
    assert "Dora was added. A link to choose a password is on its way to dora@northwind.example." in added
    assert "You may edit it again" not in added


def test_page_that_deletes_a_person_says_until_when_their_sessions_last(staff_browser: Browser, alice: User) -> None:
    Browser().force_login(alice)
    session = alice.sessions.get()
    page = text(staff_browser.get(f"/admin/integrations/user/{alice.pk}/delete/"))
    assert (f"<li>Session: until {session.expire_date:%Y-%m-%d %H:%M} UTC</li>" in page, session.pk in page) == (
        True,
        False,
    )


def test_user_of_staff_is_added_with_a_role(staff_browser: Browser) -> None:
    staff_browser.post(f"{AT}/user/add/", person(staff_role="support"))
    assert (User.objects.get(name="Dora").staff_role, Membership.objects.count()) == ("support", 0)


def test_user_gets_another_organisation(staff_browser: Browser, alice: User, other_customer: Customer) -> None:
    page = f"{AT}/user/{alice.pk}/change/"
    staff_browser.post(page, changed(alice, {"customer": other_customer.pk, "role": "viewer"}))
    assert sorted(alice.memberships.values_list("customer__name", "role")) == [
        ("Harbour Clinics", "viewer"),
        ("Northwind Retail", "administrator"),
    ]


def test_user_with_an_organisation_is_made_no_staff(staff_browser: Browser, alice: User) -> None:
    answer = staff_browser.post(f"{AT}/user/{alice.pk}/change/", changed(alice, staff_role="support"))
    alice.refresh_from_db()
    assert "Partner staff cannot belong to a customer." in text(answer)
    assert alice.staff_role == ""


@pytest.mark.parametrize("fields", [{"staff_role": "support"}, {"is_active": ""}])
def test_user_who_is_the_last_administrator_stays_so(
    staff_browser: Browser, staff: User, fields: dict[str, str]
) -> None:
    answer = staff_browser.post(f"{AT}/user/{staff.pk}/change/", changed(staff, **fields))
    staff.refresh_from_db()
    assert "This is the last administrator. Make someone else an administrator first." in text(answer)
    assert (staff.staff_role, staff.is_active) == ("administrator", True)


# Connections


def test_connection_says_what_to_do(staff_browser: Browser, connection: Connection) -> None:
    Connection.objects.update(state=ConnectionState.NEEDS_RECONNECT, reason="Their pair was refused.")
    page = text(staff_browser.get(f"{AT}/connection/{connection.pk}/change/"))
    for said in ("Their pair was refused.", "nothing is lost", "/act/retry/", "/act/disconnect/", "Stored, encrypted"):
        assert said in page


def test_connection_is_ended_after_a_page_that_says_so(staff_browser: Browser, connection: Connection) -> None:
    url = f"{AT}/connection/{connection.pk}/act/disconnect/"
    assert "loses access immediately" in text(staff_browser.get(url))
    connection.refresh_from_db()
    assert connection.state == ConnectionState.LIVE
    assert "The company northwind was disconnected." in text(staff_browser.post(url, follow=True))
    connection.refresh_from_db()
    assert (connection.state, connection.their_client_secret) == (ConnectionState.DISABLED, "")
    assert acts("connection.") == [("connection.disabled", "northwind", STELLA)]


def test_connection_is_tried_again(staff_browser: Browser, connection: Connection) -> None:
    deliveries.enqueue("result", stream=connection.stream_name, key="a", payload={})
    deliveries.hold_stream(connection.stream_name, "The connection needs a reconnect.")
    Connection.objects.update(state=ConnectionState.NEEDS_RECONNECT)
    staff_browser.post(f"{AT}/connection/{connection.pk}/act/retry/")
    connection.refresh_from_db()
    assert (connection.state, Delivery.objects.get().state) == (ConnectionState.LIVE, DeliveryState.PENDING)
    assert acts("connection.") == [("connection.retried", "northwind", STELLA)]


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        (ConnectionState.LIVE, ["disconnect"]),
        (ConnectionState.NEEDS_RECONNECT, ["retry", "disconnect"]),
        (ConnectionState.DISABLED, []),
        (ConnectionState.REFUSED, []),
    ],
)
def test_connection_offers_what_its_state_allows(
    staff_browser: Browser, connection: Connection, state: str, buttons: list[str]
) -> None:
    Connection.objects.update(state=state)
    page = text(staff_browser.get(f"{AT}/connection/{connection.pk}/change/"))
    assert [name for name in ("retry", "disconnect") if f"/act/{name}/" in page] == buttons


def test_connection_is_not_ended_by_a_viewer(connection: Connection) -> None:
    browser = Browser()
    browser.force_login(rows.make_user(None, "vic@vendor.example", role="viewer"))
    assert "/act/" not in text(browser.get(f"{AT}/connection/{connection.pk}/change/"))
    assert browser.post(f"{AT}/connection/{connection.pk}/act/disconnect/").status_code == 403
    connection.refresh_from_db()
    assert connection.state == ConnectionState.LIVE


# Engines


def token_status(client_id: str, secret: str) -> int:
    form = f"grant_type=client_credentials&client_id={client_id}&client_secret={secret}"
    return Browser().post("/oauth/token", form, content_type="application/x-www-form-urlencoded").status_code


def shown(answer: Any) -> tuple[str, str]:
    """Return the client id and the secret on the page."""
    pair = re.findall(r"<dd><code>([^<]+)</code>", text(answer))
    assert (answer.status_code, len(pair), "no-store" in answer["Cache-Control"]) == (200, 2, True)
    return pair[0], pair[1]


def test_engine_secret_is_shown_once(staff_browser: Browser) -> None:
    client_id, secret = shown(staff_browser.post(f"{AT}/client/add/", {"name": "production"}))
    assert token_status(client_id, secret) == 200
    client = Client.objects.get()
    pages = [f"{AT}/client/", f"{AT}/client/{client.pk}/change/", f"{AT}/client/{client.pk}/history/", "/admin/"]
    assert [page for page in pages if secret in text(staff_browser.get(page))] == []
    assert secret not in str(dict(staff_browser.session)) + str(staff_browser.cookies)
    assert acts("client.") == [("client.created", client_id, STELLA)]


def test_engine_secret_is_renewed_and_the_old_one_dead(staff_browser: Browser) -> None:
    client_id, old = shown(staff_browser.post(f"{AT}/client/add/", {"name": "production"}))
    pk = Client.objects.get().pk
    assert "The current secret and its tokens stop working immediately." in text(
        staff_browser.get(f"{AT}/client/{pk}/act/renew/")
    )
    same_id, new = shown(staff_browser.post(f"{AT}/client/{pk}/act/renew/"))
    assert (same_id, token_status(client_id, old), token_status(client_id, new)) == (client_id, 401, 200)
    assert acts("client.")[1:] == [("client.secret_renewed", client_id, STELLA)]


def test_engine_is_renamed_and_revoked(staff_browser: Browser) -> None:
    client_id, secret = shown(staff_browser.post(f"{AT}/client/add/", {"name": "production"}))
    client = Client.objects.get()
    staff_browser.post(f"{AT}/client/{client.pk}/change/", {"name": "staging"})
    assert token_status(client_id, secret) == 200
    staff_browser.post(f"{AT}/client/{client.pk}/act/revoke/")
    assert (token_status(client_id, secret), Client.objects.get().name) == (401, "staging")
    assert "/act/" not in text(staff_browser.get(f"{AT}/client/{client.pk}/change/"))


def test_engine_list_leaves_smartrecruiters_clients_out(staff_browser: Browser, connection: Connection) -> None:
    client, _ = rows.make_client(connection)
    assert client.client_id not in text(staff_browser.get(f"{AT}/client/"))
    assert staff_browser.get(f"{AT}/client/{client.pk}/change/").status_code == 302


# The partner configuration


def configuration(**changes: Any) -> dict[str, Any]:
    row = PartnerConfiguration.load()
    names = ("display_mode", "url_style", "report_delivery", "upload_part_name", "patch_content_type", "consent_scope",
             "assessment_api_path", "token_path", "candidates_path", "jobs_path", "consent_limits",
             "company_confirmation")  # fmt: skip
    found = {name: getattr(row, name) for name in names}
    return {**found, "supported_types": row.supported_types, "offers_inline": "on", **inlines("fields"), **changes}


CHANGE = f"{AT}/partnerconfiguration/1/change/"


@pytest.fixture
def no_environment_pair(settings: Any) -> None:
    settings.SMARTRECRUITERS_CLIENT_ID = settings.SMARTRECRUITERS_CLIENT_SECRET = ""


def test_configuration_is_one_row(staff_browser: Browser) -> None:
    assert staff_browser.get(f"{AT}/partnerconfiguration/")["Location"] == CHANGE
    assert staff_browser.get(f"{AT}/partnerconfiguration/add/").status_code == 403


def test_saved_configuration_says_what_smartrecruiters_has(staff_browser: Browser) -> None:
    def saved(**fields: str) -> str:
        return text(staff_browser.post(CHANGE, configuration(**fields), follow=True))

    assert "Saved. It has not been published yet: publish it." in saved()
    row = PartnerConfiguration.load()
    PartnerConfiguration.objects.update(
        published=partner_configuration.redact_key(partner_configuration.build_document(row), row.disable_key)
    )
    assert "Saved. It is the same as the published configuration." in saved()
    changed = saved(display_mode="POPUP")
    assert "Saved. SmartRecruiters still has the former configuration: publish it again." in changed


@pytest.mark.usefixtures("no_environment_pair")
def test_configuration_keeps_the_master_pair_sealed(staff_browser: Browser) -> None:
    deliveries.hold_stream("master", "The master pair was refused.")
    staff_browser.post(CHANGE, configuration(master_client_id="vendor", master_client_secret="master-canary"))
    row = PartnerConfiguration.load()
    assert (row.master_client_id, row.master_client_secret) == ("vendor", "master-canary")
    assert "master-canary" not in row.master_client_secret_sealed
    assert Stream.objects.get(name="master").held_reason == ""
    assert "master-canary" not in text(staff_browser.get(CHANGE)) + text(
        staff_browser.get(CHANGE.replace("change", "history"))
    )


@pytest.mark.usefixtures("no_environment_pair")
def test_configuration_with_an_empty_secret_keeps_the_stored_one(staff_browser: Browser) -> None:
    staff_browser.post(CHANGE, configuration(master_client_id="vendor", master_client_secret="master-canary"))
    staff_browser.post(CHANGE, configuration(master_client_id="vendor", display_mode="POPUP"))
    row = PartnerConfiguration.load()
    assert (row.master_client_secret, row.display_mode) == ("master-canary", "POPUP")
    answer = staff_browser.post(CHANGE, configuration(master_client_id="another"))
    assert "Enter the secret of the new client id." in text(answer)


def test_configuration_says_that_the_environment_wins(staff_browser: Browser) -> None:
    assert FROM_ENVIRONMENT_HELP in text(staff_browser.get(CHANGE))
    staff_browser.post(CHANGE, configuration(master_client_id="mallory", master_client_secret="x"))
    row = PartnerConfiguration.load()
    assert (row.master_client_id, row.master_client_secret) == ("", "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"supported_types": []}, "This field is required."),
        ({"supported_types": ["KARAOKE"]}, "Select a valid choice."),
        ({"supported_types": ["VIDEO_INTERVIEW"]}, "Packages of other types are on offer: “Package skills”."),
        ({"fields-TOTAL_FORMS": 1, "fields-0-field_id": "city", "fields-0-name": "c", "fields-0-description": "d"},
         "SmartRecruiters uses “city” itself"),
        ({"fields-TOTAL_FORMS": 1, "fields-0-field_id": "a b", "fields-0-name": "c", "fields-0-description": "d"},
         "Use letters, digits, - and _ only."),
        ({"fields-TOTAL_FORMS": 6, **{f"fields-{n}-{name}": f"{name}{n}" for n in range(6)
          for name in ("field_id", "name", "description")}}, "Please submit at most 5 forms."),
    ],
)  # fmt: skip
def test_configuration_that_is_wrong_is_refused(staff_browser: Browser, changes: dict[str, Any], said: str) -> None:
    rows.make_package("skills")
    assert said in text(staff_browser.post(CHANGE, configuration(**changes)))
    row = PartnerConfiguration.load()
    assert (len(row.supported_types), row.fields.count()) == (6, 0)


def test_configuration_shows_what_is_sent_without_its_key(staff_browser: Browser) -> None:
    page = text(staff_browser.get(CHANGE))
    assert "/smartrecruiters/***/integrations/companies/{companyId}" in page
    assert PartnerConfiguration.load().disable_key not in page


@pytest.mark.parametrize("verb", ["publish", "compare"])
def test_configuration_says_when_smartrecruiters_does_not_answer(
    staff_browser: Browser, settings: Any, verb: str
) -> None:
    settings.SMARTRECRUITERS_API_URL = "http://127.0.0.1:9"
    url = f"{AT}/partnerconfiguration/{verb}/"
    assert staff_browser.get(url)["Location"] == CHANGE
    assert "SmartRecruiters did not answer" in text(staff_browser.post(url, follow=True))


def test_configuration_difference_is_taken_apart() -> None:
    line = "consentUrl: here https://a.example/x, at SmartRecruiters nothing"
    assert parse_difference(line) == {"key": "consentUrl", "here": "https://a.example/x", "there": "nothing"}
    assert parse_difference("SmartRecruiters has no configuration yet.") == {
        "key": "SmartRecruiters has no configuration yet."
    }


@pytest.mark.parametrize(
    ("name", "ip", "label"),
    [
        ("stella@vendor.example", "192.0.2.1", "stella@vendor.example"),
        ("", "192.0.2.1", "not signed in"),
        ("", None, "the portal, or another system"),
    ],
)
def test_audit_log_says_who_acted(staff_browser: Browser, name: str, ip: str | None, label: str) -> None:
    AuditEntry.objects.create(action="sign_in.failed", subject="x", actor_name=name, ip=ip)
    page = staff_browser.get(f"{AT}/auditentry/?action=sign_in.failed").content.decode()
    assert f'<td class="field-actor_label">{label}</td>' in page


def test_row_that_never_changes_offers_no_history(staff_browser: Browser, customer: Customer) -> None:
    entry = AuditEntry.objects.create(action="test.made", subject="x")
    call = rows.make_refused_call()
    paths = (f"{AT}/auditentry/{entry.pk}", f"{AT}/refusedcall/{call.pk}", f"{AT}/customer/{quote(customer.pk)}")
    pages = [text(staff_browser.get(f"{path}/change/")) for path in paths]
    assert [">History</a>" in page for page in pages] == [False, False, True]
