"""App configurations: the portal's management commands, and Django's admin app with the portal's admin site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class PortalConfig(AppConfig):
    name = "config"


class AdminConfig(DjangoAdminConfig):
    default_site = "config.admin.site.PortalAdminSite"
