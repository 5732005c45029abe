from typing import Any

BANNER_TEMPLATE = """
The demo runs. Ctrl-C stops it; the next start goes on with the same data.

  1. Open SmartRecruiters, played by the simulator:   {simulator}
     Choose a company, open its apps and connect. The portal asks you to sign in, as one of these:

{customers}

  2. Approve. Back in the simulator, order an assessment for a candidate.
  3. Answer as the candidate: the link of the invitation appears below as soon as it is sent.
  4. Look at the candidate in the simulator: the result stands there, with a report.

{table}
"""


def format_banner(port: int, seeded: dict[str, Any], *, logs: str, mail: str) -> str:
    """Where to click and with which passwords, in the order in which to do it."""
    portal, simulator, engine = (f"http://localhost:{port + offset}/" for offset in range(3))
    people = [(customer["name"], customer["email"], customer["password"]) for customer in seeded["customers"]]
    admin = seeded["admin"]
    table = [
        ("Portal, for customers", portal, ""),
        ("Portal, for partner staff", f"{portal}admin/", f"{admin['email']}   {admin['password']}"),
        ("Simulator", simulator, ""),
        ("Sample engine", engine, ""),
        ("Engine's API, described", f"{portal}api/vendor/v1/docs", ""),
        ("Logs", f"{logs}/", ""),
        ("E-mails", f"{mail}/", ""),
    ]
    return BANNER_TEMPLATE.format(
        simulator=simulator, customers=_align_columns(people, indent=7), table=_align_columns(table, indent=2)
    )


def _align_columns(rows: list[tuple[str, str, str]], *, indent: int) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(" " * indent + line.rstrip() for line in lines)
