from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from integrations.database import migration_lock, requirements


class Command(migrate.Command):
    """Django's `migrate`, run by one process at a time."""

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            requirements.check_create_privilege(connection)
        with migration_lock.hold_migration_lock(connection, self.stdout.write):
            super().handle(*args, **options)
