from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = "Connections"

    def ready(self) -> None:
        from integrations import checks  # noqa: F401  (importing registers the checks)
        from integrations.accounts import sign_in_log  # noqa: F401  (importing connects the signals)
        from integrations.api import openapi  # noqa: F401  (importing registers the extension)

        register_deliveries()


def register_deliveries() -> None:
    """Register the channels and handlers of this app's deliveries with the outbox."""
    from integrations.accounts.emails import AccountEmailHandler, AccountNoticeHandler
    from integrations.accounts.password_links import PasswordLinkHandler
    from integrations.connections.channels import ConnectionChannel, MasterChannel
    from integrations.connections.claims.emails import ClaimOutcomeHandler, ClaimRequestHandler
    from integrations.connections.emails import CustomerReconnectHandler, StaffReconnectHandler
    from integrations.connections.exchange import ExchangeHandler
    from integrations.customers.invitations import MemberInvitationHandler
    from integrations.mail import EmailChannel
    from integrations.outbox import handlers
    from integrations.webhooks.deliveries import WebhookChannel, WebhookHandler

    handlers.register(ConnectionChannel(), MasterChannel(), EmailChannel(), WebhookChannel())
    handlers.register(ExchangeHandler(), WebhookHandler(), CustomerReconnectHandler(), StaffReconnectHandler())
    handlers.register(ClaimRequestHandler(), ClaimOutcomeHandler())
    handlers.register(MemberInvitationHandler(), AccountEmailHandler(), AccountNoticeHandler(), PasswordLinkHandler())
