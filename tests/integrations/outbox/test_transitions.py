"""State machine of deliveries: its table, the README's diagram, and no change of state outside it."""

import ast
import re
from itertools import product
from pathlib import Path

import pytest

from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState, Stream
from integrations.outbox.transitions import (
    FINISHED_STATES,
    INITIAL_STATES,
    TRANSITIONS,
    InvalidTransitionError,
    transition,
)

S = DeliveryState
ROOT = Path(__file__).parents[3]
README = ROOT / "integrations/outbox/README.md"


@pytest.fixture
def delivery(db: None) -> Delivery:
    stream = Stream.objects.create(name="probe:1")
    return Delivery.objects.create(kind="probe", stream=stream, key="a", due_at=clock.now())


def test_table_is_the_diagram_of_the_readme() -> None:
    diagram = README.read_text().partition("stateDiagram-v2")[2].partition("```")[0]
    arrows = set(re.findall(r"^ +(\S+) --> (\w+|\[\*\])", diagram, re.MULTILINE))
    table = {(str(source), str(to)) for source, targets in TRANSITIONS.items() for to in targets}
    starts = {("[*]", str(state)) for state in INITIAL_STATES}
    ends = {(str(state), "[*]") for state, targets in TRANSITIONS.items() if not targets}
    assert arrows == table | starts | ends


@pytest.mark.parametrize(("source", "to"), list(product(S, S)))
def test_only_transitions_of_the_table_are_made(delivery: Delivery, source: DeliveryState, to: DeliveryState) -> None:
    rows = Delivery.objects.filter(pk=delivery.pk)
    rows.update(state=source)
    if to in TRANSITIONS[source]:
        assert transition(rows, source, to=to, reason="so") == 1
        delivery.refresh_from_db()
        assert (delivery.state, delivery.reason) == (to, "so")
        assert (delivery.finished_at is not None) == (to in FINISHED_STATES)
    else:
        with pytest.raises(InvalidTransitionError):
            transition(rows, source, to=to)
        delivery.refresh_from_db()
        assert delivery.state == source


def test_second_of_two_writers_moves_nothing(delivery: Delivery) -> None:
    rows = Delivery.objects.filter(pk=delivery.pk)
    assert transition(rows, S.PENDING, to=S.SUPERSEDED, reason="first") == 1
    assert transition(rows, S.PENDING, S.HELD, to=S.SUPERSEDED, reason="second") == 0
    delivery.refresh_from_db()
    assert delivery.reason == "first"


def test_one_invalid_source_is_enough_to_refuse(delivery: Delivery) -> None:
    with pytest.raises(InvalidTransitionError, match="delivered to pending"):
        transition(Delivery.objects.all(), S.FAILED, S.DELIVERED, to=S.PENDING)


def test_no_other_code_changes_the_state_of_a_delivery() -> None:
    found = []
    for folder in ("assessments", "config", "integrations", "orders"):
        for path in (ROOT / folder).rglob("*.py"):
            if "migrations" in path.parts or path.name == "transitions.py":
                continue
            is_outbox = "outbox" in path.parts
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and any(keyword.arg == "state" for keyword in node.keywords):
                    call = ast.unparse(node.func)
                    if call.endswith(".update") and (is_outbox or "Delivery" in call or "deliver" in call):
                        found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []
