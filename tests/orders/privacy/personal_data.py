"""Personal data register: every column with text or JSON, of every model, is in exactly one of these lists.

`CANDIDATE_FIELDS`: emptied or deleted by an erasure, and part of an export. `ORDER_TEXT_FIELDS`: text about an order
that may mention the candidate; an erasure removes that. `USER_FIELDS`: of staff and customers' people.
`NON_PERSONAL_FIELDS`: all others.
"""

from django.apps import apps

CANDIDATE_FIELDS: dict[str, frozenset[str]] = {
    model._meta.label_lower: frozenset(model.CANDIDATE_FIELDS)
    for model in apps.get_models()
    if hasattr(model, "CANDIDATE_FIELDS")
}

ORDER_TEXT_FIELDS: dict[str, frozenset[str]] = {
    "orders.order": frozenset({"digest"}),
    "orders.orderevent": frozenset({"detail"}),
    "outbox.delivery": frozenset({"payload", "reason"}),
}

USER_FIELDS: dict[str, frozenset[str]] = {
    "account.emailaddress": frozenset({"email"}),
    "admin.logentry": frozenset({"object_repr", "change_message"}),
    "assessments.catalogueimport": frozenset({"content", "shown"}),
    "assessments.rule": frozenset({"requester"}),
    "integrations.auditentry": frozenset({"actor_name", "subject", "detail", "ip"}),
    "integrations.consent": frozenset({"ip"}),
    "integrations.invitation": frozenset({"email"}),
    "integrations.session": frozenset({"session_data"}),
    "integrations.user": frozenset({"password", "email", "name"}),
    "mfa.authenticator": frozenset({"data"}),
    "orders.orderevent": frozenset({"by"}),
    "sessions.session": frozenset({"session_data"}),
    "socialaccount.socialaccount": frozenset({"uid", "extra_data"}),
}

NON_PERSONAL_FIELDS: dict[str, frozenset[str]] = {
    "account.emailconfirmation": frozenset({"key"}),
    "admin.logentry": frozenset({"object_id"}),
    "assessments.assessment": frozenset({"assessment_id", "type", "name", "description"}),
    "assessments.catalogueimport": frozenset({"key", "state", "digest", "reason"}),
    "assessments.cataloguerevision": frozenset({"value"}),
    "assessments.package": frozenset({"id", "type", "name", "description", "delivery"}),
    "assessments.rule": frozenset({"country", "region", "city", "fields"}),
    "auth.group": frozenset({"name"}),
    "auth.permission": frozenset({"name", "codename"}),
    "contenttypes.contenttype": frozenset({"app_label", "model"}),
    "integrations.auditentry": frozenset({"action", "mac"}),
    "integrations.client": frozenset(
        {
            "client_id",
            "redirect_uris",
            "post_logout_redirect_uris",
            "client_type",
            "authorization_grant_type",
            "client_secret",
            "name",
            "algorithm",
            "allowed_origins",
            "registration_source",
        }
    ),
    "integrations.connectattempt": frozenset({"client_id_sent", "client_secret_sealed", "state", "reason"}),
    "integrations.connection": frozenset(
        {
            "company_id",
            "state",
            "reason",
            "report_delivery",
            "their_client_id",
            "their_client_secret_sealed",
            "access_token_sealed",
        }
    ),
    "integrations.consent": frozenset(
        {"key", "company_id", "redirect", "mode", "decision", "wording", "wording_version"}
    ),
    "integrations.companyclaim": frozenset({"company_id", "state"}),
    "integrations.customer": frozenset({"id", "name", "language"}),
    "integrations.event": frozenset({"public_id", "type", "content"}),
    "integrations.formersecret": frozenset({"secret_sealed"}),
    "integrations.incident": frozenset({"kind", "subject"}),
    "integrations.invitation": frozenset({"id", "role", "link_token_hash", "link_token_sealed"}),
    "integrations.idempotencyrecord": frozenset({"path", "key", "digest"}),
    "integrations.membership": frozenset({"role"}),
    "integrations.partnerconfiguration": frozenset(
        {
            "display_mode",
            "supported_types",
            "url_style",
            "report_delivery",
            "upload_part_name",
            "patch_content_type",
            "assessment_api_path",
            "token_path",
            "candidates_path",
            "jobs_path",
            "company_confirmation",
            "consent_scope",
            "consent_limits",
            "master_client_id",
            "master_client_secret_sealed",
            "master_token_sealed",
            "disable_key_sealed",
            "published",
        }
    ),
    "integrations.partnerfield": frozenset({"field_id", "name", "description"}),
    "integrations.refusedcall": frozenset({"endpoint", "company_id", "order_id", "errors"}),
    "integrations.session": frozenset({"session_key"}),
    "integrations.user": frozenset({"staff_role"}),
    "integrations.webhook": frozenset({"id", "url", "events", "secret_sealed", "disabled_reason"}),
    "mfa.authenticator": frozenset({"type"}),
    "oauth2_provider.accesstoken": frozenset({"token", "token_checksum", "scope", "resource"}),
    "oauth2_provider.devicegrant": frozenset({"device_code", "user_code", "scope", "status", "client_id"}),
    "oauth2_provider.grant": frozenset(
        {
            "code",
            "redirect_uri",
            "scope",
            "code_challenge",
            "code_challenge_method",
            "nonce",
            "claims",
            "resource",
        }
    ),
    "oauth2_provider.idtoken": frozenset({"scope"}),
    "oauth2_provider.refreshtoken": frozenset({"token", "token_checksum", "resource"}),
    "orders.attachment": frozenset(
        {"id", "assessment_id", "type", "content_type", "link_token_hash", "link_token_sealed"}
    ),
    # The links stay, for they must say 410; they are random, and what they led to is gone.
    "orders.order": frozenset(
        {
            "id",
            "smartrecruiters_order_id",
            "result_callback_url",
            "status",
            "link_token_hash",
            "link_token_sealed",
        }
    ),
    "orders.orderevent": frozenset({"hop", "what"}),
    "orders.reconciliation": frozenset({"gaps"}),
    "orders.resource": frozenset({"kind", "state"}),
    "orders.result": frozenset({"assessment_id", "status"}),
    "orders.upload": frozenset({"state"}),
    "outbox.attempt": frozenset({"outcome"}),
    "outbox.delivery": frozenset({"kind", "key", "subject", "state", "ending"}),
    "outbox.heartbeat": frozenset({"worker"}),
    "outbox.stream": frozenset(
        {"name", "paused_by_key", "pause_reason", "next_calls", "held_reason", "unauthorized_keys"}
    ),
    "sessions.session": frozenset({"session_key"}),
    "socialaccount.socialaccount": frozenset({"provider"}),
    "socialaccount.socialapp": frozenset({"provider", "provider_id", "name", "client_id", "secret", "key", "settings"}),
    "socialaccount.socialtoken": frozenset({"token", "token_secret"}),
}
