import re

import pytest

from tests.crash.faults import FAULTS, ON_POSTGRESQL
from tests.crash.people import Customers
from tests.reliability import ROWS
from tests.simulator.process import ROOT

PROOFS = sorted({proof for row in ROWS.values() for proof in row.proofs})


@pytest.mark.parametrize("proof", PROOFS)
def test_proof_is_there(proof: str) -> None:
    kind, _, name = proof.partition(": ")
    if kind == "crash":
        assert name in FAULTS | ON_POSTGRESQL
    elif kind == "connect":
        assert name in {step["action"] for step in Customers.STEPS}
    else:
        path, _, function = proof.partition("::")
        assert re.search(rf"^def {function}\(", (ROOT / path).read_text(), re.MULTILINE)


def test_row_without_a_proof_says_why() -> None:
    assert [name for name, row in ROWS.items() if not row.proofs and not row.why] == []
