"""The WSGI application: the simulator's Django, set up with its own settings, its journal replayed."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "integrations.simulator.settings"

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

application = get_wsgi_application()
list(get_resolver().url_patterns)  # all is loaded, and the journal replayed, before the first call
