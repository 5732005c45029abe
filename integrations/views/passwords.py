from typing import Any

from allauth.account.views import PasswordResetFromKeyView
from django.http import HttpResponse


class PasswordFromLink(PasswordResetFromKeyView):
    """allauth's, which says 200 to a link that was used, is too old, or never was one."""

    def render_to_response(self, context: dict[str, Any], **more: Any) -> HttpResponse:
        if context.get("token_fail"):
            more["status"] = 400
        page: HttpResponse = super().render_to_response(context, **more)
        return page
