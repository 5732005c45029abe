from typing import Any

from allauth.account.views import PasswordResetFromKeyView
from django.contrib import messages
from django.http import HttpResponse

from integrations.accounts.login_throttle import remember_device


class PasswordResetLinkView(PasswordResetFromKeyView):
    """Password reset form that responds with 400, not 200, for a used, expired or invalid link."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        remember_device(self.request, response, self.reset_user.email)  # who reads the mailbox owns the account
        list(messages.get_messages(self.request))  # drop allauth's message, which repeats the next page's heading
        return response

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        if context.get("token_fail"):
            kwargs["status"] = 400
        response: HttpResponse = super().render_to_response(context, **kwargs)
        return response
