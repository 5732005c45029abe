"""How a row of RELIABILITY.md is written down here.

Not indented: the row's number and what it is about, in our words. Indented: a test that proves it, as its file's short
name and its own name without `test_`; or `crash: …`, a fault of the crash suite (tests/crash/faults.py), whose verdict
is counted from the simulator's ledger; `connect: …`, a step of its customers; `bench: …`, a measure of `make bench`;
`gate: …`, a step of .ci/; or `why: …`, a sentence that says why it needs no test, or what holds beside the tests.
"""

from dataclasses import dataclass

FILES = {
    "acts": "tests/integrations/audit/test_log.py",
    "addresses": "tests/integrations/http/test_trusted_origins.py",
    "admin": "tests/config/admin/test_site.py",
    "anything": "tests/test_anything.py",
    "attachments": "tests/orders/test_attachments.py",
    "audit": "tests/integrations/audit/test_chain.py",
    "broken": "tests/integrations/api/test_broken_body.py",
    "canaries": "tests/e2e/test_canaries.py",
    "connecting": "tests/integrations/connections/test_exchange.py",
    "consent": "tests/integrations/connections/test_consent.py",
    "courier": "tests/integrations/outbox/test_courier.py",
    "deliveries": "tests/orders/handlers/test_handlers.py",
    "disable": "tests/integrations/connections/test_disable.py",
    "door": "tests/integrations/http/test_client.py",
    "engine": "tests/orders/api/test_engine_orders.py",
    "engine_e2e": "tests/e2e/test_engine_api.py",
    "erasure": "tests/orders/privacy/test_erasure.py",
    "export": "tests/orders/privacy/test_export.py",
    "factors": "tests/integrations/accounts/test_mfa.py",
    "faults": "tests/integrations/outbox/test_faults.py",
    "frames": "tests/e2e/test_consent_in_a_browser.py",
    "hostile": "tests/integrations/http/test_hostile_urls.py",
    "hostile_orders": "tests/orders/test_hostile_orders.py",
    "hostile_pages": "tests/config/test_hostile_pages.py",
    "hostile_peer": "tests/orders/handlers/test_hostile_peer.py",
    "hostile_tokens": "tests/integrations/oauth/test_hostile_tokens.py",
    "intake": "tests/orders/test_intake.py",
    "invitation": "tests/orders/handlers/test_emails.py",
    "limits": "tests/integrations/oauth/test_throttling.py",
    "logs": "tests/config/monitoring/test_logs.py",
    "memberships": "tests/integrations/customers/test_memberships.py",
    "nothing": "tests/integrations/api/test_not_found.py",
    "odd": "tests/test_odd_values.py",
    "offboarding": "tests/orders/privacy/test_offboarding.py",
    "orders_admin": "tests/orders/admin/test_orders.py",
    "packages": "tests/assessments/api/test_smartrecruiters.py",
    "parallel": "tests/orders/test_parallel.py",
    "parsers": "tests/integrations/test_strict_json.py",
    "patterns": "tests/test_patterns.py",
    "personal": "tests/orders/privacy/test_personal_data.py",
    "proof": "tests/orders/privacy/test_erasure_proof.py",
    "refusals": "tests/config/server/test_preflight.py",
    "requester": "tests/assessments/test_requester.py",
    "results": "tests/orders/test_results.py",
    "retention": "tests/orders/privacy/test_retention.py",
    "roles": "tests/integrations/admin/test_roles.py",
    "rotation": "tests/integrations/test_key_rotation.py",
    "routes": "tests/test_routes.py",
    "sessions": "tests/integrations/accounts/test_sessions.py",
    "sign_in": "tests/integrations/accounts/test_sign_in.py",
    "simulated": "tests/integrations/simulator/test_results.py",
    "token": "tests/integrations/oauth/test_token.py",
    "trail": "tests/orders/privacy/test_access_log.py",
    "transfer": "tests/assessments/transfer/test_transfer.py",
    "uploads": "tests/orders/handlers/test_uploads.py",
    "visibility": "tests/assessments/test_visibility.py",
    "visits": "tests/orders/views/test_candidate.py",
    "way": "tests/e2e/test_the_whole_way.py",
    "webhooks": "tests/integrations/webhooks/test_webhooks.py",
    "wire": "tests/orders/test_merge_patch.py",
    "worker": "tests/config/server/test_worker.py",
    "wsgi": "tests/config/server/test_wsgi_request.py",
}
KINDS = ("crash", "connect", "bench", "gate")


@dataclass(frozen=True)
class Row:
    about: str
    proofs: tuple[str, ...] = ()
    why: str = ""


def parse_rows(table: str) -> dict[str, Row]:
    """Raises ValueError for a row that stands twice, KeyError for a file that has no short name."""
    found: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for line in filter(str.strip, table.splitlines()):
        if line.startswith(" "):
            found[name][1].append(line.strip())
            continue
        name, _, about = line.partition(" ")
        if name in found:
            raise ValueError(f"{name} stands twice")
        found[name] = about.strip(), []
    return {name: _parse_row(about, lines) for name, (about, lines) in found.items()}


def _parse_row(about: str, lines: list[str]) -> Row:
    why = " ".join(line.removeprefix("why: ") for line in lines if line.startswith("why: "))
    return Row(about, tuple(_parse_proof(line) for line in lines if not line.startswith("why: ")), why)


def _parse_proof(line: str) -> str:
    kind, _, name = line.partition(" ")
    return line if kind.rstrip(":") in KINDS else f"{FILES[kind]}::test_{name}"
