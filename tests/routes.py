"""Who gets what, where: role × method × address → status, for every route of the URL configuration.

`test_routes.py` asks each cell. A new route has no row here and fails there, until somebody says who may use it how.

A row: `"name of the route": kind(METHOD=answer, …)`, or its pattern where it has no name. Behind a comma, the same
route at another address (`"take, guessed"`). A method that a row does not name is answered by 405 to whoever may know
of the route. An answer is a status, or where a redirect leads: `SIGN_IN`, `HOME`, `DESK`, `DOOR`. Addresses and bodies
are made in tests/everything.py.
"""

from collections.abc import Mapping

Answer = int | str
Answers = dict[str, Answer]
Row = dict[str, Answers]
"""By method, then by role; `*` stands for every method without an entry."""

SIGN_IN, HOME, DESK, DOOR = "to /accounts/login/", "to /", "to /admin/", "to /admin/login/"

CUSTOMERS = ("charlie", "bob", "alice")
"""An admin of another customer; a team mate who may not connect; an admin. The things asked for are Northwind's."""
STAFF = ("viewer", "support", "administrator")
ENGINES = ("engine", "another_engine")
SMARTRECRUITERS = ("theirs", "others")
"""With a token of Northwind's connection, and with one of Harbour Clinics'."""
ROLES = ("stranger", *CUSTOMERS, *STAFF, *ENGINES, *SMARTRECRUITERS)
GROUPS = {"customers": CUSTOMERS, "staff": STAFF, "signed_in": (*CUSTOMERS, *STAFF)}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def _row(others: Answers, methods: Mapping[str, Answers]) -> Row:
    row = {"*": others, **methods}
    if "GET" in methods:
        row.setdefault("HEAD", methods["GET"])
    return row


def everybody(others: Answer = 405, **methods: Answer) -> Row:
    """What is public, or opened by a link that is the right itself. `others`: methods that are not named."""
    return _row(dict.fromkeys(ROLES, others), {name: dict.fromkeys(ROLES, answer) for name, answer in methods.items()})


def people(others: Mapping[str, Answer] | None = None, **methods: Mapping[str, Answer]) -> Row:
    """By role or group of roles; who is not named, bearers too, gets what a stranger gets, SIGN_IN if nothing else."""
    return _row(_spread(others or {"stranger": 405}), {name: _spread(answers) for name, answers in methods.items()})


def _spread(answers: Mapping[str, Answer]) -> Answers:
    found = dict.fromkeys(ROLES, answers.get("stranger", SIGN_IN))
    for group, roles in GROUPS.items():
        if group in answers:
            found |= dict.fromkeys(roles, answers[group])
    return found | {role: answer for role, answer in answers.items() if role in ROLES}


def engines(**methods: Answer | tuple[Answer, Answer]) -> Row:
    """A pair: to the engine whose thing it is, and to another. No token is 401 and SmartRecruiters' 403, before all."""

    def spread(answer: Answer | tuple[Answer, Answer]) -> Answers:
        answers = answer if isinstance(answer, tuple) else (answer, answer)
        closed: Answers = dict.fromkeys(ROLES, 401) | dict.fromkeys(SMARTRECRUITERS, 403)
        return closed | dict(zip(ENGINES, answers, strict=True))

    return _row(spread(405), {name: spread(answer) for name, answer in methods.items()})


def smartrecruiters(**methods: Answer | tuple[Answer, Answer]) -> Row:
    """A pair: to the customer whose thing it is, and to another. No token is 401 and an engine's 403, before all."""

    def spread(answer: Answer | tuple[Answer, Answer]) -> Answers:
        answers = answer if isinstance(answer, tuple) else (answer, answer)
        closed: Answers = dict.fromkeys(ROLES, 401) | dict.fromkeys(ENGINES, 403)
        return closed | dict(zip(SMARTRECRUITERS, answers, strict=True))

    return _row(spread(405), {name: spread(answer) for name, answer in methods.items()})


def desk(**methods: Answer | tuple[Answer, ...]) -> Row:
    """Admin: one answer for each role of STAFF, or one for all. Nobody else comes through the door.

    A POST is answered as a GET where nothing else is said.
    """

    def spread(answer: Answer | tuple[Answer, ...]) -> Answers:
        answers = answer if isinstance(answer, tuple) else (answer,) * len(STAFF)
        return dict.fromkeys(ROLES, DOOR) | dict(zip(STAFF, answers, strict=True))

    found = {name: spread(answer) for name, answer in methods.items()}
    return _row(spread(405), {"POST": found["GET"], **found})


# What each role of STAFF may do with the rows of a model in admin.
RIGHTS = """
                                    viewer  support   administrator
assessments_package                 see     see       see add change act
integrations_auditentry                     see       see
integrations_client                 see     see       see add change act
integrations_connection             see     see       see act
integrations_consent                see     see       see
integrations_customer               see     see       see add change delete
integrations_invitation             see     see       see act
integrations_partnerconfiguration   see     see       see change
integrations_user                   see     see       see add change delete
integrations_webhook                see     see act   see act
orders_order                        see     see act   see act
outbox_delivery                     see     see act   see act
outbox_stream                       see     see act   see act
"""


def managed(model: str, rights: list[set[str]]) -> dict[str, Row]:
    """The rows of the routes that every model has in admin."""

    def by(right: str, answer: Answer = 200) -> tuple[Answer, ...]:
        return tuple(answer if right in may else 403 for may in rights)

    has_acts = any("act" in may for may in rights)
    return {
        f"admin:{model}_changelist": desk(GET=by("see")),
        f"admin:{model}_add": desk(GET=by("add")),
        f"admin:{model}_change": desk(GET=by("see"), POST=by("change")),
        f"admin:{model}_delete": desk(GET=by("delete")),
        f"admin:{model}_history": desk(GET=by("see")),
        f"admin:{model}_act": desk(GET=by("act"), POST=by("act", 302)) if has_acts else desk(GET=404),
        f"admin/{model.replace('_', '/')}/<path:object_id>/": desk(GET=302),
    }


def managed_by(table: str) -> dict[str, Row]:
    """RIGHTS as rows; its columns stand under their heads."""
    head, *lines = table.strip("\n").splitlines()
    starts = [head.index(role) for role in STAFF]
    found: dict[str, Row] = {}
    for line in lines:
        cells = [line[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
        found |= managed(line.split()[0], [set(cell.split()) for cell in cells])
    return found


def form(answers: Mapping[str, Answer]) -> dict[str, Mapping[str, Answer]]:
    """allauth's forms take a PUT as a POST."""
    return {"GET": answers, "POST": answers, "PUT": answers}


AWAY: dict[str, Answer] = {"customers": HOME, "staff": DESK}
"""Who is signed in already has no business there."""

ROUTES: dict[str, Row] = {
    # Open
    "healthz": everybody(GET=200),
    "readyz": everybody(GET=200),
    "metrics": everybody(GET=404),
    "brand_css": everybody(GET=200),
    "brand_logo": everybody(GET=404),
    "brand_icon": everybody(GET=200),
    "engine_schema": everybody(GET=200),
    "engine_docs": everybody(GET=200),
    "token": everybody(POST=200),
    "token, guessed": everybody(POST=401),
    # The link is the right
    "take": everybody(GET=200, POST=303),
    "take, inline": everybody(GET=302, POST=303),
    "take, erased": everybody(GET=410, POST=410),
    "take, guessed": everybody(GET=404, POST=404),
    "done": everybody(GET=200),
    "done, inline": everybody(GET=302),
    "done, erased": everybody(GET=410),
    "done, guessed": everybody(GET=404),
    "report": everybody(GET=200),
    "report, guessed": everybody(GET=404),
    "company_integration": people(
        DELETE={"stranger": 204, "signed_in": 204, "engine": 403, "another_engine": 403, "others": 403}
    ),
    "company_integration, guessed": everybody(DELETE=404),
    "company_integration, unknown company": everybody(DELETE=404),
    # SmartRecruiters
    "packages": smartrecruiters(GET=(200, 204)),
    "package": smartrecruiters(GET=(200, 404)),
    "package, guessed": smartrecruiters(GET=404),
    "orders": smartrecruiters(POST=(202, 403)),
    "orders, own company": smartrecruiters(POST=(403, 404)),
    "orders, their id": smartrecruiters(POST=(403, 409)),
    "inline-orders": smartrecruiters(POST=(200, 403)),
    # Engines
    "engine_nothing": {"*": engines(GET=404)["GET"]},
    "engine-customers": engines(GET=200),
    "engine-packages": engines(GET=200, PUT=200),
    "engine-package": engines(GET=200, PUT=200, DELETE=204),
    "engine-package, guessed": engines(GET=404, PUT=422, DELETE=404),
    "engine-orders": engines(GET=200),
    "engine-lease": engines(POST=200),
    "engine-order": engines(GET=200),
    "engine-order, guessed": engines(GET=404),
    "engine-order, erased": engines(GET=410),
    "engine-accept": engines(POST=200),
    "engine-accept, guessed": engines(POST=404),
    "engine-accept, erased": engines(POST=410),
    "engine-result": engines(PATCH=200),
    "engine-result, guessed": engines(PATCH=404),
    "engine-result, erased": engines(PATCH=410),
    "engine-preview": engines(POST=200),
    "engine-preview, guessed": engines(POST=404),
    "engine-preview, erased": engines(POST=410),
    "engine-attachments": engines(POST=201),
    "engine-attachments, guessed": engines(POST=404),
    "engine-attachments, erased": engines(POST=410),
    "engine-attachment": engines(DELETE=204),
    "engine-attachment, guessed": engines(DELETE=404),
    "engine-attachment, erased": engines(DELETE=410),
    "engine-candidate": engines(GET=202),
    "engine-candidate, erased": engines(GET=410),
    "engine-job": engines(GET=202),
    "engine-job, erased": engines(GET=410),
    "engine-hiring-team": engines(GET=202),
    "engine-hiring-team, erased": engines(GET=410),
    "engine-timeline": engines(GET=200),
    "engine-timeline, erased": engines(GET=410),
    "engine_webhooks": engines(GET=200, POST=201),
    "engine_webhook": engines(GET=(200, 404), PATCH=(200, 404), DELETE=(204, 404)),
    "engine_webhook_rotate": engines(POST=(200, 404)),
    "engine_webhook_test": engines(POST=(200, 404)),
    "engine_events": engines(GET=200),
    # The consent: whose browser began it
    "consent_begin": everybody(GET=302, HEAD=405),
    "consent": people(GET={"stranger": 400, "signed_in": 400, "alice": 200}, POST={"stranger": 400, "alice": 303}),
    "consent, guessed": everybody(GET=400, POST=400),
    "consent_progress": people(GET={"stranger": 400, "alice": 302}, HEAD={"stranger": 405}),
    "consent_again": people(POST={"stranger": 400, "alice": 303}),
    "consent_account": people(POST={"stranger": 400, "alice": SIGN_IN}),
    # Customers
    "home": people(GET={"customers": 200, "staff": DESK}),
    "customer_orders": people(GET={"customers": 200, "staff": 302}, POST={"customers": 302, "staff": 302}),
    "customer_report": people(GET={"charlie": 404, "bob": 403, "alice": 200, "staff": 404}),
    "disconnect": people(
        GET={"alice": 200, "bob": 403, "charlie": 404, "staff": 404},
        POST={"alice": HOME, "bob": 403, "charlie": 404, "staff": 404},
    ),
    "switch_organisation": people(POST={"charlie": 404, "bob": HOME, "alice": HOME, "staff": 404}),
    "people": people(GET={"customers": 200, "staff": HOME}),
    "invite": people(POST={"charlie": 404, "bob": 403, "alice": 302, "staff": 404}),
    "resend_invitation": people(POST={"charlie": 404, "bob": 403, "alice": 302, "staff": 404}),
    "revoke_invitation": people(POST={"charlie": 404, "bob": 403, "alice": 302, "staff": 404}),
    "resend_invitation, guessed": people(POST={"signed_in": 404}),
    "change_role": people(
        GET={"charlie": 404, "bob": 403, "alice": 200, "staff": 404},
        POST={"charlie": 404, "bob": 403, "alice": 302, "staff": 404},
    ),
    "remove_person": people(
        GET={"charlie": 404, "bob": 403, "alice": 200, "staff": 404},
        POST={"charlie": 404, "bob": 403, "alice": 302, "staff": 404},
    ),
    "remove_person, guessed": people(GET={"signed_in": 404}, POST={"signed_in": 404}),
    "invitation": people(
        GET={"stranger": 200, "signed_in": 403},
        POST={"stranger": 400, "signed_in": 403},
    ),
    "invitation, guessed": everybody(404),
    "disconnect, guessed": people(GET={"signed_in": 404}, POST={"signed_in": 404}),
    # One's own account
    "account_login": people({"stranger": 405, **AWAY}, **form({"stranger": 200, **AWAY})),
    "account_logout": people(GET={"stranger": HOME, "signed_in": 200}, POST={"stranger": HOME}),
    "end_all_sessions": people(POST={"signed_in": SIGN_IN}),
    "account_inactive": everybody(GET=200),
    "account_signup": people({"stranger": 200, **AWAY}),
    "account_reauthenticate": people({"signed_in": 405}, **form({"signed_in": 200})),
    "accounts/email/": everybody(302),
    "account_email": everybody(302),
    "accounts/confirm-email/": everybody(404),
    "accounts/confirm-email/<path:rest>": everybody(404),
    "account_email_verification_sent": everybody(404),
    "account_confirm_email": everybody(404),
    "account_change_password": people({"signed_in": 405}, **form({"signed_in": 200})),
    "account_set_password": people({"signed_in": 302}),
    "account_reset_password": everybody(GET=200, POST=200, PUT=200),
    "account_reset_password_done": everybody(GET=200),
    "account_reset_password_from_key": everybody(400),
    "account_reset_password_from_key_done": everybody(GET=200),
    "account_confirm_login_code": people(AWAY),
    "mfa_index": people({"signed_in": 405}, GET={"signed_in": 200}),
    "mfa_authenticate": people(AWAY),
    "mfa_reauthenticate": people({"signed_in": 302}),
    "identity_begin": everybody(GET=404, HEAD=405),
    "identity_callback": everybody(GET=404, HEAD=405),
    "identity_cancelled": everybody(GET=200),
    "openid_connect_login": everybody(404),
    "openid_connect_callback": everybody(404),
    "socialaccount_connections": everybody(404),
    "socialaccount_signup": everybody(404),
    "socialaccount_login_cancelled": everybody(GET=200),
    "socialaccount_login_error": everybody(404),
    "accounts/oidc/<path:rest>": everybody(404),
    "accounts/3rdparty/": everybody(404),
    "accounts/social/<path:rest>": everybody(404),
    "accounts/social/connections/": everybody(404),
    "accounts/social/login/cancelled/": everybody(404),
    "accounts/social/login/error/": everybody(404),
    "accounts/social/signup/": everybody(404),
    "accounts/3rdparty/<path:rest>": everybody(404),
    "mfa_list_webauthn": people({"signed_in": 405}, GET={"signed_in": 200}),
    "mfa_add_webauthn": people({"signed_in": 302}),
    "mfa_edit_webauthn": people({"signed_in": 302}),
    "mfa_remove_webauthn": people({"signed_in": 302}),
    "mfa_reauthenticate_webauthn": people({"signed_in": 302}),
    "mfa_login_webauthn": people({"stranger": 405, **AWAY}, **form({"stranger": SIGN_IN, **AWAY})),
    "mfa_activate_totp": people({"signed_in": 302}),
    "mfa_deactivate_totp": people({"signed_in": 404}),
    "mfa_view_recovery_codes": people({"signed_in": 405}, GET={"signed_in": 404}),
    "mfa_generate_recovery_codes": people({"signed_in": 302}),
    "mfa_download_recovery_codes": people({"signed_in": 404}),
    # Staff
    **managed_by(RIGHTS),
    "admin:integrations_partnerconfiguration_changelist": desk(GET=302),
    "admin:integrations_partnerconfiguration_publish": desk(GET=(403, 403, 302), POST=(403, 403, 302)),
    "admin:integrations_partnerconfiguration_compare": desk(GET=(403, 403, 302), POST=(403, 403, 302)),
    "admin:integrations_customer_invite": desk(GET=(403, 403, 200), POST=(403, 403, 302)),
    "admin:auth_user_password_change": desk(GET=(403, 403, 200)),
    "admin:assessments_package_export": desk(GET=200),
    "admin:assessments_package_import": desk(GET=(403, 403, 200)),
    "admin:assessments_package_imported": desk(GET=(403, 403, 404), POST=(403, 403, 404)),
    "admin:assessments_package_who_sees": desk(GET=200),
    "admin:integrations_webhook_replay": desk(GET=(403, 200, 200), POST=(403, 200, 200)),
    "admin:orders_order_change": desk(GET=200),
    "admin:orders_order_find": desk(GET=302),
    "admin:orders_order_preview": desk(GET=(403, 200, 200)),
    "admin:orders_order_report": desk(GET=(403, 302, 302), POST=(403, 200, 200)),
    "admin:orders_order_attachment": desk(GET=(403, 200, 200)),
    "admin:index": desk(GET=200),
    "admin:outbox_delivery_progress": desk(GET=404),
    "admin:letters": desk(GET=200),
    "admin:letter": desk(GET=200),
    "admin:login": people(AWAY),
    "admin:logout": people({"stranger": DESK, "staff": 405}, POST={"stranger": DESK, "staff": 200}),
    "admin:password_change": desk(GET=302),
    "admin:password_change_done": desk(GET=302),
    "admin:autocomplete": desk(GET=403, POST=405),
    "admin:jsi18n": desk(GET=200, POST=405),
    "admin:view_on_site": desk(GET=404),
    "admin:app_list": desk(GET=200),
    "admin/(?P<url>.*)$": desk(GET=404),
}
