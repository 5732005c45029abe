"""How a row of RELIABILITY.md is written down here.

Not indented: the row's number and what it is about, in our words. Indented: a test that proves it, as its file's short
name and its own name without `test_`; or `crash: …`, a fault of the crash suite (tests/crash/faults.py), whose verdict
is counted from the simulator's ledger; `connect: …`, a step of its customers; `bench: …`, a measure of `make bench`;
`gate: …`, a step of .ci/; or `why: …`, a sentence that says why it needs no test, or what holds beside the tests.
"""

from dataclasses import dataclass

FILES = {
    "acts": "tests/integrations/test_audit_acts.py",
    "addresses": "tests/integrations/test_addresses.py",
    "admin": "tests/config/test_admin.py",
    "anything": "tests/test_anything.py",
    "attachments": "tests/orders/test_attachments.py",
    "audit": "tests/integrations/test_audit_chain.py",
    "broken": "tests/integrations/api/test_broken_body.py",
    "canaries": "tests/e2e/test_canaries.py",
    "connecting": "tests/integrations/test_connecting.py",
    "consent": "tests/integrations/test_consent.py",
    "courier": "tests/outbox/test_courier.py",
    "deliveries": "tests/orders/test_deliveries.py",
    "disable": "tests/integrations/test_disable.py",
    "door": "tests/integrations/test_door.py",
    "engine": "tests/orders/test_engine_orders.py",
    "engine_e2e": "tests/e2e/test_engine_api.py",
    "erasure": "tests/orders/test_erasure.py",
    "export": "tests/orders/test_export.py",
    "factors": "tests/integrations/test_second_factors.py",
    "faults": "tests/outbox/test_faults.py",
    "frames": "tests/e2e/test_consent_in_a_browser.py",
    "hostile": "tests/integrations/test_hostile_addresses.py",
    "hostile_orders": "tests/orders/test_hostile_orders.py",
    "hostile_pages": "tests/config/test_hostile_pages.py",
    "hostile_peer": "tests/orders/test_hostile_peer.py",
    "hostile_tokens": "tests/integrations/test_hostile_tokens.py",
    "intake": "tests/orders/test_intake.py",
    "invitation": "tests/orders/test_invitation.py",
    "limits": "tests/integrations/test_token_limits.py",
    "logs": "tests/config/test_logs.py",
    "memberships": "tests/integrations/test_memberships.py",
    "nothing": "tests/integrations/api/test_nothing.py",
    "odd": "tests/test_odd_values.py",
    "offboarding": "tests/orders/test_offboarding.py",
    "orders_admin": "tests/orders/test_admin.py",
    "packages": "tests/assessments/test_smartrecruiters.py",
    "parallel": "tests/orders/test_parallel.py",
    "parsers": "tests/integrations/test_parsers.py",
    "patterns": "tests/test_patterns.py",
    "personal": "tests/orders/test_personal.py",
    "proof": "tests/orders/test_erasure_proof.py",
    "refusals": "tests/config/test_refusals.py",
    "requester": "tests/assessments/test_requester.py",
    "results": "tests/orders/test_results.py",
    "retention": "tests/orders/test_retention.py",
    "roles": "tests/integrations/test_roles.py",
    "rotation": "tests/integrations/test_rotation.py",
    "routes": "tests/test_routes.py",
    "sessions": "tests/integrations/test_sessions.py",
    "sign_in": "tests/integrations/test_sign_in.py",
    "simulated": "tests/simulator/test_results.py",
    "token": "tests/integrations/test_token.py",
    "trail": "tests/orders/test_trail.py",
    "transfer": "tests/assessments/test_transfer.py",
    "uploads": "tests/orders/test_uploads.py",
    "visibility": "tests/assessments/test_visibility.py",
    "visits": "tests/orders/test_visits.py",
    "way": "tests/e2e/test_the_whole_way.py",
    "webhooks": "tests/integrations/test_webhooks.py",
    "wire": "tests/orders/test_wire.py",
    "worker": "tests/config/test_worker.py",
    "wsgi": "tests/config/test_wsgi.py",
}
KINDS = ("crash", "connect", "bench", "gate")


@dataclass(frozen=True)
class Row:
    about: str
    proofs: tuple[str, ...] = ()
    why: str = ""


def rows_of(table: str) -> dict[str, Row]:
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
    return {name: _row(about, lines) for name, (about, lines) in found.items()}


def _row(about: str, lines: list[str]) -> Row:
    why = " ".join(line.removeprefix("why: ") for line in lines if line.startswith("why: "))
    return Row(about, tuple(_proof(line) for line in lines if not line.startswith("why: ")), why)


def _proof(line: str) -> str:
    kind, _, name = line.partition(" ")
    return line if kind.rstrip(":") in KINDS else f"{FILES[kind]}::test_{name}"
