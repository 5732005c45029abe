from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        register_deliveries()


def register_deliveries() -> None:
    from integrations.outbox import handlers
    from orders.handlers.emails import InvitationHandler, ReminderHandler
    from orders.handlers.fetches import FETCH_HANDLERS
    from orders.handlers.results import ResultHandler
    from orders.handlers.uploads import UploadHandler

    handlers.register(ResultHandler(), UploadHandler(), InvitationHandler(), ReminderHandler(), *FETCH_HANDLERS)
