from typing import Any

from allauth.account.views import PasswordResetFromKeyView
from django.contrib import messages
from django.http import HttpResponse


class PasswordResetLinkView(PasswordResetFromKeyView):
    """allauth's, which says 200 to a link that was used, is too old, or never was one."""

    def form_valid(self, form: Any) -> HttpResponse:
        """The page after it says that the password is changed; allauth's message would say it again."""
        answer: HttpResponse = super().form_valid(form)
        list(messages.get_messages(self.request))  # read, and so not kept
        return answer

    def render_to_response(self, context: dict[str, Any], **more: Any) -> HttpResponse:
        if context.get("token_fail"):
            more["status"] = 400
        page: HttpResponse = super().render_to_response(context, **more)
        return page
