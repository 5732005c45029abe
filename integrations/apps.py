from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = "Connections"

    def ready(self) -> None:
        from integrations import deliveries
        from integrations.api import openapi  # noqa: F401  (its extension registers by being imported)

        deliveries.register()
