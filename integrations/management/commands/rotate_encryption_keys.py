from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations import audit, key_rotation

MISSING_KEY_MESSAGE = (
    "{count} values are encrypted with a key that is not in ENCRYPTION_KEYS. They are unchanged. Add that key again, "
    "after the newest one, and run this command again:\n{rows}"
)


class Command(BaseCommand):
    help = (
        "Re-encrypt every encrypted value with the newest key, the first of ENCRYPTION_KEYS. All processes must have "
        "been restarted with it. Safe under traffic; may be interrupted and repeated. Remove former keys once --check "
        "succeeds."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only count; exit code 1 if a value does not use the newest key"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_check = options["check"]
        former, unreadable = 0, []
        counts: dict[str, int] = {}
        for column in key_rotation.find_sealed_columns():
            count = (key_rotation.inspect_column if is_check else key_rotation.rotate_column)(column)
            former += count.former
            unreadable += count.unreadable
            former_text = "with a former key" if is_check else "re-encrypted"
            counts[str(column)] = count.former
            self.stdout.write(f"{column}: {count.newest} with the newest key already, {count.former} {former_text}")
        if former and not is_check:
            changed = {name: number for name, number in counts.items() if number}
            audit.record("encryption_keys.rotated", "encryption keys", values=changed)
        if unreadable:
            raise CommandError(
                MISSING_KEY_MESSAGE.format(count=len(unreadable), rows="\n".join(unreadable)), returncode=1
            )
        if is_check and former:
            raise CommandError(f"{former} values still need a former key: run rotate_encryption_keys.", returncode=1)
        self.stdout.write("Every encrypted value uses the newest key. Former keys can be removed.")
