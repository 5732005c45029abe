"""Notation of the rows of tests/reliability/README.md.

A line that is not indented has the row's number and case. The indented lines below it are its proofs: a file's short
name (FILES) and a test without `test_`; `crash: …`, a fault of the crash suite (tests/crash/faults.py); `connect: …`, a
fault during an exchange there; `bench: …`, a measure of `make bench`; `gate: …`, a step of .ci/; or `why: …`, the
reason why the row needs no test, or a remark.
"""

from dataclasses import dataclass

FILES = {
    "access_log": "tests/orders/privacy/test_access_log.py",
    "admin": "tests/integrations/admin/test_admin.py",
    "admin/transfer": "tests/assessments/admin/test_transfer.py",
    "anything": "tests/test_anything.py",
    "attachments": "tests/orders/test_attachments.py",
    "audit_gate": "tests/config/test_audit_gate.py",
    "brand": "tests/config/test_brand.py",
    "broken_body": "tests/integrations/api/test_broken_body.py",
    "broker_tls": "tests/config/server/test_broker_tls.py",
    "calendar": "tests/orders/test_calendar.py",
    "canaries": "tests/e2e/test_canaries.py",
    "candidate": "tests/orders/views/test_candidate.py",
    "capture": "tests/e2e/test_capture.py",
    "chain": "tests/integrations/audit/test_chain.py",
    "client": "tests/integrations/http/test_client.py",
    "commit_lost": "tests/e2e/test_commit_lost.py",
    "companies": "tests/integrations/admin/test_companies.py",
    "consent": "tests/integrations/connections/test_consent.py",
    "consent_in_a_browser": "tests/e2e/test_consent_in_a_browser.py",
    "courier": "tests/integrations/outbox/test_courier.py",
    "create_engine_client": "tests/integrations/oauth/test_create_engine_client.py",
    "customer": "tests/orders/views/test_customer.py",
    "decisions": "tests/integrations/connections/claims/test_decisions.py",
    "disable": "tests/integrations/connections/test_disable.py",
    "documented_limits": "tests/config/test_documented_limits.py",
    "emails": "tests/orders/handlers/test_emails.py",
    "encryption": "tests/integrations/test_encryption.py",
    "engine": "tests/assessments/api/test_engine.py",
    "engine_api": "tests/e2e/test_engine_api.py",
    "engine_errors": "tests/orders/api/test_engine_errors.py",
    "engine_orders": "tests/orders/api/test_engine_orders.py",
    "engine_urls": "tests/orders/test_engine_urls.py",
    "erasure": "tests/orders/privacy/test_erasure.py",
    "erasure_proof": "tests/orders/privacy/test_erasure_proof.py",
    "every_access": "tests/orders/privacy/test_every_access.py",
    "exchange": "tests/integrations/connections/test_exchange.py",
    "export": "tests/orders/privacy/test_export.py",
    "faults": "tests/integrations/outbox/test_faults.py",
    "forgotten_password": "tests/integrations/accounts/test_forgotten_password.py",
    "handlers": "tests/orders/handlers/test_handlers.py",
    "home": "tests/integrations/connections/test_home.py",
    "hostile_orders": "tests/orders/test_hostile_orders.py",
    "hostile_pages": "tests/config/test_hostile_pages.py",
    "hostile_peer": "tests/orders/handlers/test_hostile_peer.py",
    "hostile_tokens": "tests/integrations/oauth/test_hostile_tokens.py",
    "hostile_urls": "tests/integrations/http/test_hostile_urls.py",
    "hosts": "tests/config/test_hosts.py",
    "intake": "tests/orders/test_intake.py",
    "invitations": "tests/integrations/customers/test_invitations.py",
    "key_rotation": "tests/integrations/test_key_rotation.py",
    "lenient_orders": "tests/orders/test_lenient_orders.py",
    "lifecycle": "tests/integrations/connections/test_lifecycle.py",
    "log": "tests/integrations/audit/test_log.py",
    "login_redirects": "tests/integrations/accounts/test_login_redirects.py",
    "login_throttle": "tests/integrations/accounts/test_login_throttle.py",
    "logs": "tests/config/monitoring/test_logs.py",
    "lookups": "tests/integrations/admin/test_lookups.py",
    "lost_factor": "tests/integrations/accounts/test_lost_factor.py",
    "malware": "tests/orders/test_malware.py",
    "memberships": "tests/integrations/customers/test_memberships.py",
    "merge_patch": "tests/orders/test_merge_patch.py",
    "metrics": "tests/config/monitoring/test_metrics.py",
    "moves": "tests/integrations/connections/claims/test_moves.py",
    "mfa": "tests/integrations/accounts/test_mfa.py",
    "not_found": "tests/integrations/api/test_not_found.py",
    "odd_values": "tests/test_odd_values.py",
    "offboarding": "tests/orders/privacy/test_offboarding.py",
    "orders": "tests/orders/admin/test_orders.py",
    "orders/results": "tests/orders/test_results.py",
    "overview": "tests/config/admin/test_overview.py",
    "ownership": "tests/integrations/connections/claims/test_ownership.py",
    "parallel": "tests/orders/test_parallel.py",
    "passwords": "tests/integrations/accounts/test_passwords.py",
    "password_links": "tests/integrations/accounts/test_password_links.py",
    "patterns": "tests/test_patterns.py",
    "personal_data": "tests/orders/privacy/test_personal_data.py",
    "preflight": "tests/config/server/test_preflight.py",
    "reauthentication": "tests/integrations/accounts/test_reauthentication.py",
    "refusals": "tests/integrations/api/test_refusals.py",
    "request_body": "tests/config/server/test_request_body.py",
    "requester": "tests/assessments/test_requester.py",
    "requirements": "tests/integrations/database/test_requirements.py",
    "retention": "tests/orders/privacy/test_retention.py",
    "roles": "tests/integrations/admin/test_roles.py",
    "routes": "tests/test_routes.py",
    "sbom": "tests/config/test_sbom.py",
    "second_factor": "tests/integrations/customers/test_second_factor.py",
    "second_factor_routes": "tests/integrations/customers/test_second_factor_routes.py",
    "seed_demo": "tests/assessments/test_seed_demo.py",
    "sentry": "tests/config/monitoring/test_sentry.py",
    "sessions": "tests/integrations/accounts/test_sessions.py",
    "setup": "tests/config/test_setup.py",
    "sign_in": "tests/integrations/accounts/test_sign_in.py",
    "sign_in_log": "tests/integrations/accounts/test_sign_in_log.py",
    "simulator/results": "tests/integrations/simulator/test_results.py",
    "site": "tests/config/admin/test_site.py",
    "slow_clients": "tests/e2e/test_slow_clients.py",
    "smartrecruiters": "tests/assessments/api/test_smartrecruiters.py",
    "smtp": "tests/orders/handlers/test_smtp.py",
    "spreadsheets": "tests/assessments/transfer/test_spreadsheets.py",
    "sso": "tests/integrations/accounts/test_sso.py",
    "start": "tests/config/supervisor/test_start.py",
    "static_files": "tests/config/test_static_files.py",
    "strict_json": "tests/integrations/test_strict_json.py",
    "the_whole_way": "tests/e2e/test_the_whole_way.py",
    "throttling": "tests/integrations/oauth/test_throttling.py",
    "tls": "tests/integrations/http/test_tls.py",
    "token": "tests/integrations/oauth/test_token.py",
    "transfer": "tests/assessments/transfer/test_transfer.py",
    "trusted_origins": "tests/integrations/http/test_trusted_origins.py",
    "uploads": "tests/orders/handlers/test_uploads.py",
    "visibility": "tests/assessments/test_visibility.py",
    "webhooks": "tests/integrations/webhooks/test_webhooks.py",
    "worker": "tests/config/server/test_worker.py",
    "wsgi_request": "tests/config/server/test_wsgi_request.py",
}
KINDS = ("crash", "connect", "bench", "gate")


@dataclass(frozen=True)
class Row:
    case: str
    proofs: tuple[str, ...] = ()
    why: str = ""


def parse_rows(table: str) -> dict[str, Row]:
    """Parse rows. Raises ValueError for a duplicate row, KeyError for an unknown short name."""
    rows: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for line in filter(str.strip, table.splitlines()):
        if line.startswith(" "):
            rows[name][1].append(line.strip())
            continue
        name, _, case = line.partition(" ")
        if name in rows:
            raise ValueError(f"duplicate row {name}")
        rows[name] = case.strip(), []
    return {name: _parse_row(case, lines) for name, (case, lines) in rows.items()}


def _parse_row(case: str, lines: list[str]) -> Row:
    why = " ".join(line.removeprefix("why: ") for line in lines if line.startswith("why: "))
    return Row(case, tuple(parse_proof(line) for line in lines if not line.startswith("why: ")), why)


def parse_proof(line: str) -> str:
    kind, _, name = line.partition(" ")
    return line if kind.rstrip(":") in KINDS else f"{FILES[kind]}::test_{name}"
