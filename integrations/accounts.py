from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """People are invited, they do not sign up; and customers that are switched off do not get in."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
