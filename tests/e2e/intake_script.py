"""Setup of a process that places orders over a test's own connection to PostgreSQL."""

SETUP_SCRIPT = """
import django
django.setup()
from django.core.management import call_command
from django.test.utils import setup_test_environment
setup_test_environment()
call_command("migrate", verbosity=0)
from orders.models import Order
from rest_framework.test import APIClient
from tests import rows
from tests.orders import bodies
rows.make_package()
token = rows.make_token(rows.make_connection(rows.make_customer()))
client = APIClient(raise_request_exception=False)
client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
"""
