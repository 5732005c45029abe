from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.models import Client
from integrations.oauth import engine_clients


class Command(BaseCommand):
    help = "Create an OAuth client for an engine and print its secret once; only a hash of it is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the engine's name in admin")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        try:
            Client._meta.get_field("name").clean(name, None)
        except ValidationError as error:
            raise CommandError(f"NAME: {' '.join(error.messages)}") from None
        if not name.isprintable() or not name:
            raise CommandError("NAME: use printable characters.")
        client, secret = engine_clients.create_client(name)
        self.stdout.write(f"client_id: {client.client_id}\nclient_secret: {secret}")
