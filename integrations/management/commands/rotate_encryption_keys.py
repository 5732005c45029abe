from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations import audit, key_rotation

MISSING_KEY_MESSAGE = (
    "{count} values are under a key that is not in ENCRYPTION_KEYS: add it again, behind the newest one, and run this "
    "once more. They are unchanged:\n{rows}"
)


class Command(BaseCommand):
    help = (
        "Bring every encrypted value under the newest key: the first of ENCRYPTION_KEYS, which all processes must know "
        "by then. It may run beside traffic, be stopped, and be run again. Former keys may go when --check is content."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only count; exit code 1 if any value is not under the newest key"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_check = options["check"]
        former, unreadable = 0, []
        counts: dict[str, int] = {}
        for column in key_rotation.find_sealed_columns():
            count = (key_rotation.inspect_column if is_check else key_rotation.rotate_column)(column)
            former += count.former
            unreadable += count.unreadable
            word = "under a former key" if is_check else "brought under the newest key"
            counts[str(column)] = count.former
            self.stdout.write(f"{column}: {count.newest} under the newest key already, {count.former} {word}")
        if former and not is_check:
            changed = {name: number for name, number in counts.items() if number}
            audit.record("encryption_keys.rotated", "encryption keys", values=changed)
        if unreadable:
            raise CommandError(
                MISSING_KEY_MESSAGE.format(count=len(unreadable), rows="\n".join(unreadable)), returncode=1
            )
        if is_check and former:
            raise CommandError(f"{former} values need a former key: run rotate_encryption_keys.", returncode=1)
        self.stdout.write("Every encrypted value is under the newest key: former keys may go.")
