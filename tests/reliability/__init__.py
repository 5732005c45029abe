"""Tests that prove each row of tests/reliability/README.md, or the reason why a row needs none."""

from tests.reliability import consent, faults, findings, oauth, orders, outside, people, privacy
from tests.reliability.rows import Row

ROWS: dict[str, Row] = {
    **findings.ROWS,
    **oauth.ROWS,
    **consent.ROWS,
    **people.ROWS,
    **orders.ROWS,
    **outside.ROWS,
    **privacy.ROWS,
    **faults.ROWS,
}
