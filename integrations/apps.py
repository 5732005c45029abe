from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = "Connections"

    def ready(self) -> None:
        from integrations import checks, deliveries  # noqa: F401  (checks register by being imported)
        from integrations.api import openapi  # noqa: F401  (its extension registers by being imported)

        deliveries.register()
