from typing import Any

from orders.management.candidate_command import CandidateCommand
from orders.privacy import access_log


class Command(CandidateCommand):
    help = (
        "List who viewed, changed, exported or erased a candidate's data, from the audit log. Works after an erasure, "
        "too. Views by a customer's people of their own orders are not recorded."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        entries = access_log.find_entries(self.read_email(options))
        if not entries:
            self.stderr.write("Nobody: the audit log has no entry about a candidate with this email address.")
        for entry in entries:
            who = entry.actor_name or "system or unknown"
            where = f" from {entry.ip}" if entry.ip else ""
            self.stdout.write(f"{entry.at:%Y-%m-%d %H:%M:%S} UTC  {entry.action}  {entry.subject}  {who}{where}")
