"""Create the tables, and print an access token."""

import os
import secrets
import sys
from datetime import timedelta

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.stock.settings"

import django
from django.core.management import call_command
from django.utils import timezone

django.setup()


def main() -> None:
    from oauth2_provider.models import AccessToken

    call_command("migrate", run_syncdb=True, verbosity=0)
    token = secrets.token_urlsafe(24)
    expires = timezone.now() + timedelta(hours=1)
    AccessToken.objects.create(token=token, scope="orders_modify", expires=expires)
    sys.stdout.write(token + "\n")


if __name__ == "__main__":
    main()
