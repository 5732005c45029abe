"""The WSGI application: the simulator's Django, set up with its own settings, its journal replayed."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "integrations.simulator.settings"

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from integrations.simulator import urls  # noqa: E402, F401  (all is loaded before the first call)
