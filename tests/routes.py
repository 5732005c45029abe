"""Permission table: role × method × URL → response, for every route of the URL configuration.

`test_routes.py` requests every cell. A new route fails there until it has a row here.

A row is `"name of the route": kind(METHOD=answer, …)`, or has the route's pattern if it has no name. After a comma, the
same route with another URL (`"take, guessed"`). A method that a row does not name is answered with 405 for roles that
may know of the route. An answer is a status, or the target of a redirect: `SIGN_IN`, `HOME`, `ADMIN_HOME`,
`ADMIN_SIGN_IN`. URLs and bodies are built in tests/everything.py.
"""

from collections.abc import Mapping

Answer = int | str
Answers = dict[str, Answer]
Row = dict[str, Answers]  # by method, then by role; `*` is every method without an entry

SIGN_IN, HOME, ADMIN_HOME, ADMIN_SIGN_IN = "to /accounts/login/", "to /", "to /admin/", "to /admin/login/"

# An administrator of another customer, a viewer and an administrator of Northwind, to which the requested rows belong.
CUSTOMERS = ("charlie", "bob", "alice")
STAFF = ("viewer", "support", "administrator")
ENGINES = ("engine", "another_engine")
SMARTRECRUITERS = ("theirs", "others")  # tokens of the connections of Northwind and of Harbour Clinics
ROLES = ("stranger", *CUSTOMERS, *STAFF, *ENGINES, *SMARTRECRUITERS)
GROUPS = {"customers": CUSTOMERS, "staff": STAFF, "signed_in": (*CUSTOMERS, *STAFF)}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def _build_row(others: Answers, methods: Mapping[str, Answers]) -> Row:
    row = {"*": others, **methods}
    if "GET" in methods:
        row.setdefault("HEAD", methods["GET"])
    return row


def for_everybody(others: Answer = 405, **methods: Answer) -> Row:
    """Return a row with the same answers for all roles. `others` is the answer to methods that are not named."""
    return _build_row(
        dict.fromkeys(ROLES, others), {name: dict.fromkeys(ROLES, answer) for name, answer in methods.items()}
    )


def by_role(others: Mapping[str, Answer] | None = None, **methods: Mapping[str, Answer]) -> Row:
    """Return a row by role or group of roles. Other roles, and tokens, get the stranger's answer (default: SIGN_IN)."""
    return _build_row(
        _expand_roles(others or {"stranger": 405}), {name: _expand_roles(answers) for name, answers in methods.items()}
    )


def _expand_roles(answers: Mapping[str, Answer]) -> Answers:
    expanded = dict.fromkeys(ROLES, answers.get("stranger", SIGN_IN))
    for group, roles in GROUPS.items():
        if group in answers:
            expanded |= dict.fromkeys(roles, answers[group])
    return expanded | {role: answer for role, answer in answers.items() if role in ROLES}


def for_engines(**methods: Answer | tuple[Answer, Answer]) -> Row:
    """Return a row for engines; a pair is for the engine that owns the row and for another.

    Without a token 401, with SmartRecruiters' token 403.
    """

    def expand(answer: Answer | tuple[Answer, Answer]) -> Answers:
        answers = answer if isinstance(answer, tuple) else (answer, answer)
        closed: Answers = dict.fromkeys(ROLES, 401) | dict.fromkeys(SMARTRECRUITERS, 403)
        return closed | dict(zip(ENGINES, answers, strict=True))

    return _build_row(expand(405), {name: expand(answer) for name, answer in methods.items()})


def for_smartrecruiters(**methods: Answer | tuple[Answer, Answer]) -> Row:
    """Return a row for SmartRecruiters; a pair is for the customer that owns the row and for another.

    Without a token 401, with an engine's token 403.
    """

    def expand(answer: Answer | tuple[Answer, Answer]) -> Answers:
        answers = answer if isinstance(answer, tuple) else (answer, answer)
        closed: Answers = dict.fromkeys(ROLES, 401) | dict.fromkeys(ENGINES, 403)
        return closed | dict(zip(SMARTRECRUITERS, answers, strict=True))

    return _build_row(expand(405), {name: expand(answer) for name, answer in methods.items()})


def for_staff(**methods: Answer | tuple[Answer, ...]) -> Row:
    """Return a row for the admin: one answer per role of STAFF, or one for all. Other roles must sign in.

    A POST has the answer of a GET unless it is named.
    """

    def expand(answer: Answer | tuple[Answer, ...]) -> Answers:
        answers = answer if isinstance(answer, tuple) else (answer,) * len(STAFF)
        return dict.fromkeys(ROLES, ADMIN_SIGN_IN) | dict(zip(STAFF, answers, strict=True))

    expanded = {name: expand(answer) for name, answer in methods.items()}
    return _build_row(expand(405), {"POST": expanded["GET"], **expanded})


# Permissions of each role of STAFF for the models in the admin.
RIGHTS = """
                                    viewer  support   administrator
assessments_package                 see     see       see add change act
integrations_auditentry                     see       see
integrations_client                 see     see       see add change act
integrations_companyclaim           see     see       see act
integrations_connection             see     see       see act
integrations_consent                see     see       see
integrations_customer               see     see       see add change delete
integrations_incident               see     see       see act
integrations_invitation             see     see       see act
integrations_partnerconfiguration   see     see       see change
integrations_refusedcall            see     see       see
integrations_user                   see     see       see add change delete
integrations_webhook                see     see act   see act
orders_order                        see     see act   see act
outbox_delivery                     see     see act   see act
outbox_stream                       see     see act   see act
"""


def model_rows(model: str, rights: list[set[str]]) -> dict[str, Row]:
    """Return the rows of the routes that every model has in the admin."""

    def allow(right: str, answer: Answer = 200) -> tuple[Answer, ...]:
        return tuple(answer if right in may else 403 for may in rights)

    has_acts = any("act" in may for may in rights)
    return {
        f"admin:{model}_changelist": for_staff(GET=allow("see")),
        f"admin:{model}_add": for_staff(GET=allow("add")),
        f"admin:{model}_change": for_staff(GET=allow("see"), POST=allow("change")),
        f"admin:{model}_delete": for_staff(GET=allow("delete")),
        f"admin:{model}_history": for_staff(GET=(403, 200, 200)),  # the audit log, which viewers do not see
        f"admin:{model}_act": for_staff(GET=allow("act"), POST=allow("act", 302)) if has_acts else for_staff(GET=404),
        f"admin/{model.replace('_', '/')}/<path:object_id>/": for_staff(GET=302),
    }


def parse_rights(table: str) -> dict[str, Row]:
    """Parse RIGHTS, the columns of which are aligned with their heads."""
    head, *lines = table.strip("\n").splitlines()
    starts = [head.index(role) for role in STAFF]
    rows: dict[str, Row] = {}
    for line in lines:
        cells = [line[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
        rows |= model_rows(line.split()[0], [set(cell.split()) for cell in cells])
    return rows


def form_answers(answers: Mapping[str, Answer]) -> dict[str, Mapping[str, Answer]]:
    """Return the answers of a form of allauth, which treats a PUT as a POST."""
    return {"GET": answers, "POST": answers, "PUT": answers}


# Pages for people who are not signed in yet.
SIGNED_IN_REDIRECTS: dict[str, Answer] = {"customers": HOME, "staff": ADMIN_HOME}

ROUTES: dict[str, Row] = {
    # Open
    "healthz": for_everybody(GET=200),
    "readyz": for_everybody(GET=200),
    "metrics": for_everybody(GET=404),
    "security_txt": for_everybody(GET=404),
    "brand_css": for_everybody(GET=200),
    "brand_logo": for_everybody(GET=404),
    "brand_icon": for_everybody(GET=200),
    "brand_touch_icon": for_everybody(GET=200),
    "engine_schema": for_everybody(GET=200),
    "engine_docs": for_everybody(GET=200),
    "token": for_everybody(POST=200),
    "token, guessed": for_everybody(POST=401),
    # Opened by a secret link
    "take": for_everybody(GET=200, POST=303),
    "take, inline": for_everybody(GET=302, POST=303),
    "take, erased": for_everybody(GET=410, POST=410),
    "take, guessed": for_everybody(GET=404, POST=404),
    "done": for_everybody(GET=200),
    "done, inline": for_everybody(GET=302),
    "done, erased": for_everybody(GET=410),
    "done, guessed": for_everybody(GET=404),
    "report": for_everybody(GET=200),
    "report, guessed": for_everybody(GET=404),
    "company_integration": by_role(
        DELETE={"stranger": 204, "signed_in": 204, "engine": 403, "another_engine": 403, "others": 403}
    ),
    "company_integration, guessed": for_everybody(DELETE=404),
    "company_integration, unknown company": for_everybody(DELETE=404),
    # SmartRecruiters
    "packages": for_smartrecruiters(GET=(200, 204)),
    "package": for_smartrecruiters(GET=(200, 404)),
    "package, guessed": for_smartrecruiters(GET=404),
    "orders": for_smartrecruiters(POST=(202, 403)),
    "orders, own company": for_smartrecruiters(POST=(403, 404)),
    "orders, their id": for_smartrecruiters(POST=(403, 409)),
    "inline-orders": for_smartrecruiters(POST=(200, 403)),
    # Engines
    "engine_nothing": {"*": for_engines(GET=404)["GET"]},
    "engine-customers": for_engines(GET=200),
    "engine-packages": for_engines(GET=200, PUT=200),
    "engine-package": for_engines(GET=200, PUT=200, DELETE=204),
    "engine-package, guessed": for_engines(GET=404, PUT=422, DELETE=404),
    "engine-orders": for_engines(GET=200),
    "engine-lease": for_engines(POST=200),
    "engine-order": for_engines(GET=200),
    "engine-order, guessed": for_engines(GET=404),
    "engine-order, erased": for_engines(GET=410),
    "engine-accept": for_engines(POST=200),
    "engine-accept, guessed": for_engines(POST=404),
    "engine-accept, erased": for_engines(POST=410),
    "engine-result": for_engines(PATCH=200),
    "engine-result, guessed": for_engines(PATCH=404),
    "engine-result, erased": for_engines(PATCH=410),
    "engine-preview": for_engines(POST=200),
    "engine-preview, guessed": for_engines(POST=404),
    "engine-preview, erased": for_engines(POST=410),
    "engine-attachments": for_engines(POST=201),
    "engine-attachments, guessed": for_engines(POST=404),
    "engine-attachments, erased": for_engines(POST=410),
    "engine-attachment": for_engines(DELETE=204),
    "engine-attachment, guessed": for_engines(DELETE=404),
    "engine-attachment, erased": for_engines(DELETE=410),
    "engine-candidate": for_engines(GET=202),
    "engine-candidate, erased": for_engines(GET=410),
    "engine-job": for_engines(GET=202),
    "engine-job, erased": for_engines(GET=410),
    "engine-hiring-team": for_engines(GET=202),
    "engine-hiring-team, erased": for_engines(GET=410),
    "engine-timeline": for_engines(GET=200),
    "engine-timeline, erased": for_engines(GET=410),
    "engine_webhooks": for_engines(GET=200, POST=201),
    "engine_webhook": for_engines(GET=(200, 404), PATCH=(200, 404), DELETE=(204, 404)),
    "engine_webhook_rotate": for_engines(POST=(200, 404)),
    "engine_webhook_test": for_engines(POST=(200, 404)),
    "engine_events": for_engines(GET=200),
    # The consent: whose browser began it
    "consent_begin": for_everybody(GET=302),
    "consent": by_role(GET={"stranger": 400, "signed_in": 400, "alice": 200}, POST={"stranger": 400, "alice": 303}),
    "consent, guessed": for_everybody(GET=400, POST=400),
    "consent_progress": by_role(GET={"stranger": 400, "alice": 302}),
    "consent_again": by_role(POST={"stranger": 400, "alice": 303}),
    "consent_account": by_role(POST={"stranger": 400, "alice": SIGN_IN}),
    # Customers
    "home": by_role(GET={"customers": 200, "staff": ADMIN_HOME}),
    "customer_orders": by_role(GET={"customers": 200, "staff": 302}, POST={"customers": 302, "staff": 302}),
    "customer_report": by_role(GET={"charlie": 404, "bob": 403, "alice": 200, "staff": 404}),
    "disconnect": by_role(
        GET={"alice": 200, "bob": 403, "charlie": 404, "staff": 404},
        POST={"alice": HOME, "bob": 403, "charlie": 404, "staff": 404},
    ),
    "withdraw": by_role(POST={"alice": HOME, "bob": 403, "charlie": 404, "staff": 404}),
    "withdraw, guessed": by_role(POST={"signed_in": 404}),
    "switch_organisation": by_role(POST={"charlie": 404, "bob": HOME, "alice": HOME, "staff": 404}),
    "people": by_role(GET={"customers": 200, "staff": HOME}),
    "invite": by_role(POST={"charlie": 404, "bob": 403, "alice": 302, "staff": 404}),
    "require_second_factor": by_role(POST={"charlie": 404, "bob": 403, "alice": 302, "staff": 404}),
    "resend_invitation": by_role(POST={"charlie": 404, "bob": 403, "alice": 302, "staff": 404}),
    "revoke_invitation": by_role(POST={"charlie": 404, "bob": 403, "alice": 302, "staff": 404}),
    "resend_invitation, guessed": by_role(POST={"signed_in": 404}),
    "change_role": by_role(
        GET={"charlie": 404, "bob": 403, "alice": 200, "staff": 404},
        POST={"charlie": 404, "bob": 403, "alice": 302, "staff": 404},
    ),
    "remove_person": by_role(
        GET={"charlie": 404, "bob": 403, "alice": 200, "staff": 404},
        POST={"charlie": 404, "bob": 403, "alice": 302, "staff": 404},
    ),
    "remove_person, guessed": by_role(GET={"signed_in": 404}, POST={"signed_in": 404}),
    "invitation": by_role(
        GET={"stranger": 200, "signed_in": 403},
        POST={"stranger": 400, "signed_in": 403},
    ),
    "invitation, guessed": for_everybody(404),
    "disconnect, guessed": by_role(GET={"signed_in": 404}, POST={"signed_in": 404}),
    # The user's account
    "account_login": by_role(
        {"stranger": 405, **SIGNED_IN_REDIRECTS}, **form_answers({"stranger": 200, **SIGNED_IN_REDIRECTS})
    ),
    "account_logout": by_role(
        GET={"stranger": SIGN_IN, "signed_in": 200}, POST={"stranger": SIGN_IN, "signed_in": HOME}
    ),
    "sessions": by_role(GET={"signed_in": 200}),
    "end_session": by_role(POST={"signed_in": 404}),
    "end_all_sessions": by_role(POST={"signed_in": SIGN_IN}),
    "account_inactive": for_everybody(GET=200),
    "account_signup": by_role({"stranger": 200, **SIGNED_IN_REDIRECTS}),
    "account_reauthenticate": by_role({"signed_in": 405}, **form_answers({"signed_in": 200})),
    "accounts/email/": for_everybody(302),
    "account_email": for_everybody(302),
    "accounts/confirm-email/": for_everybody(404),
    "accounts/confirm-email/<path:rest>": for_everybody(404),
    "account_email_verification_sent": for_everybody(404),
    "account_confirm_email": for_everybody(404),
    "account_change_password": by_role({"signed_in": 405}, **form_answers({"signed_in": 200})),
    "account_set_password": by_role({"signed_in": 302}),
    "account_reset_password": for_everybody(GET=200, POST=200, PUT=200),
    "account_reset_password_done": for_everybody(GET=200),
    "account_reset_password_from_key": for_everybody(400),
    "account_reset_password_from_key_done": for_everybody(GET=200),
    "account_confirm_login_code": by_role(SIGNED_IN_REDIRECTS),
    "mfa_index": by_role({"signed_in": 405}, GET={"signed_in": 200}),
    "mfa_authenticate": by_role(SIGNED_IN_REDIRECTS),
    "mfa_reauthenticate": by_role({"signed_in": 302}),
    "identity_begin": for_everybody(GET=404, HEAD=405),
    "identity_confirm": for_everybody(GET=404, HEAD=405),
    "identity_callback": for_everybody(GET=404, HEAD=405),
    "identity_cancelled": for_everybody(GET=200),
    "openid_connect_login": for_everybody(404),
    "openid_connect_callback": for_everybody(404),
    "socialaccount_connections": for_everybody(404),
    "socialaccount_signup": for_everybody(404),
    "socialaccount_login_cancelled": for_everybody(GET=200),
    "socialaccount_login_error": for_everybody(404),
    "accounts/oidc/<path:rest>": for_everybody(404),
    "accounts/3rdparty/": for_everybody(404),
    "accounts/social/<path:rest>": for_everybody(404),
    "accounts/social/connections/": for_everybody(404),
    "accounts/social/login/cancelled/": for_everybody(404),
    "accounts/social/login/error/": for_everybody(404),
    "accounts/social/signup/": for_everybody(404),
    "accounts/3rdparty/<path:rest>": for_everybody(404),
    "mfa_list_webauthn": by_role({"signed_in": 405}, GET={"signed_in": 200}),
    "mfa_add_webauthn": by_role({"signed_in": 405}, **form_answers({"signed_in": 200})),
    "mfa_edit_webauthn": by_role({"signed_in": 405}, **form_answers({"signed_in": 404})),
    "mfa_remove_webauthn": by_role(
        {"signed_in": 405}, GET={"signed_in": 404}, POST={"signed_in": 404}, DELETE={"signed_in": 404}
    ),
    "mfa_reauthenticate_webauthn": by_role({"signed_in": 302}),
    "mfa_login_webauthn": by_role(
        {"stranger": 405, **SIGNED_IN_REDIRECTS}, **form_answers({"stranger": SIGN_IN, **SIGNED_IN_REDIRECTS})
    ),
    "mfa_activate_totp": by_role({"signed_in": 405}, **form_answers({"signed_in": 200})),
    "mfa_deactivate_totp": by_role({"signed_in": 404}),
    "mfa_view_recovery_codes": by_role({"signed_in": 405}, GET={"signed_in": 404}),
    "mfa_generate_recovery_codes": by_role({"signed_in": 405}, **form_answers({"signed_in": 200})),
    "mfa_download_recovery_codes": by_role({"signed_in": 404}),
    # Staff
    **parse_rights(RIGHTS),
    "admin:integrations_partnerconfiguration_changelist": for_staff(GET=302),
    "admin:integrations_partnerconfiguration_publish": for_staff(GET=(403, 403, 302), POST=(403, 403, 302)),
    "admin:integrations_partnerconfiguration_compare": for_staff(GET=(403, 403, 302), POST=(403, 403, 302)),
    "admin:integrations_customer_assign": for_staff(GET=(403, 403, 200), POST=(403, 403, 302)),
    "admin:integrations_customer_invite": for_staff(GET=(403, 403, 200), POST=(403, 403, 302)),
    "admin:assessments_package_export": for_staff(GET=200),
    "admin:assessments_package_import": for_staff(GET=(403, 403, 200)),
    "admin:assessments_package_imported": for_staff(GET=(403, 403, 404), POST=(403, 403, 404)),
    "admin:assessments_package_who_sees": for_staff(GET=200),
    "admin:integrations_webhook_replay": for_staff(GET=(403, 200, 200), POST=(403, 200, 200)),
    "admin:orders_order_change": for_staff(GET=200),
    "admin:orders_order_find": for_staff(GET=302),
    "admin:orders_order_preview": for_staff(GET=(403, 302, 302), POST=(403, 200, 200)),
    "admin:orders_order_report": for_staff(GET=(403, 302, 302), POST=(403, 200, 200)),
    "admin:orders_order_attachment": for_staff(GET=(403, 200, 200)),
    "admin:index": for_staff(GET=200),
    "admin:outbox_delivery_progress": for_staff(GET=404),
    "admin:emails": for_staff(GET=200),
    "admin:email": for_staff(GET=200),
    "admin:login": by_role(SIGNED_IN_REDIRECTS),
    "admin:logout": by_role({"stranger": ADMIN_HOME, "staff": 405}, POST={"stranger": ADMIN_HOME, "staff": 200}),
    "admin:password_change": for_staff(GET=302),
    "admin:password_change_done": for_staff(GET=302),
    "admin:autocomplete": for_staff(GET=403, POST=405),
    "admin:jsi18n": for_staff(GET=200, POST=405),
    "admin:view_on_site": for_staff(GET=404),
    "admin:app_list": for_staff(GET=200),
    "admin/(?P<url>.*)$": for_staff(GET=404),
}
