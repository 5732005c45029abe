"""Start-up banner of the demo."""

from typing import Any

BANNER_TEMPLATE = """
The demo is running. Ctrl-C stops it; the next start continues with the same data.

  1. Open the SmartRecruiters simulator:   {simulator}
     Choose a company, open its apps and connect. When the portal asks you to sign in, use one of these accounts:

{customers}

  2. Approve. Back in the simulator, order an assessment for a candidate.
  3. Complete it as the candidate: the link in the invitation appears below when the email is sent.
  4. Open the candidate in the simulator: the result is there, with a report.

{table}
"""


def format_banner(port: int, seeded: dict[str, Any], *, logs: str, mail: str) -> str:
    """Return the URLs and passwords, with the steps of a first tour."""
    portal, simulator, engine = (f"http://localhost:{port + offset}/" for offset in range(3))
    people = [(customer["name"], customer["email"], customer["password"]) for customer in seeded["customers"]]
    admin = seeded["admin"]
    table = [
        ("Portal, for customers", portal, ""),
        ("Portal, for staff", f"{portal}admin/", f"{admin['email']}   {admin['password']}"),
        ("Simulator", simulator, ""),
        ("Sample engine", engine, ""),
        ("Engine API, documentation", f"{portal}api/vendor/v1/docs", ""),
        ("Logs", f"{logs}/", ""),
        ("Emails", f"{mail}/", ""),
    ]
    return BANNER_TEMPLATE.format(
        simulator=simulator, customers=_align_columns(people, indent=7), table=_align_columns(table, indent=2)
    )


def _align_columns(rows: list[tuple[str, str, str]], *, indent: int) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(" " * indent + line.rstrip() for line in lines)
