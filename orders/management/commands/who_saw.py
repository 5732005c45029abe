from typing import Any

from orders.management.candidate_command import CandidateCommand
from orders.privacy import access_log


class Command(CandidateCommand):
    help = (
        "List who viewed, changed, exported or erased a candidate's data, with when, how, and which orders, from the "
        f"audit log: staff, customers' people and engines. Works after an erasure, too. {access_log.NOT_RECORDED}"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        accesses = access_log.find_accesses(self.read_email(options))
        if not accesses:
            self.stderr.write("Nobody: the audit log has no entry about a candidate with this email address.")
        for access in accesses:
            time, orders = f"{access.entry.at:%Y-%m-%d %H:%M:%S} UTC", ", ".join(access.orders) or "–"
            self.stdout.write(f"{time}  {access.phrase}  {orders}  {access.who}")
        self.stderr.write(access_log.NOT_RECORDED)
