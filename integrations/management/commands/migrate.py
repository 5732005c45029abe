from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from integrations.database import migration_lock


class Command(migrate.Command):
    """Django's `migrate`, run by one process at a time."""

    def handle(self, *args: Any, **options: Any) -> None:
        with migration_lock.hold_migration_lock(connections[options["database"]]):
            super().handle(*args, **options)
