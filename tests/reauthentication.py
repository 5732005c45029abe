"""Re-authentication in tests: `force_login` counts as a proof of this moment (tests/conftest.py)."""

from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client as Browser

from integrations.accounts.session_store import SessionStore
from integrations.models import Session, User
from tests import rows

ASK = "/accounts/reauthenticate/"


def forget_proof(browser: Browser) -> None:
    """Let the browser be signed in since long, so that grave actions ask again."""
    session = browser.session
    del session[AUTHENTICATION_METHODS_SESSION_KEY]
    session.save()


def forget_proof_of(user: User) -> None:
    """Do so for all sessions of the user, whose keys a test with a real browser does not have."""
    store = SessionStore()
    for row in Session.objects.filter(user=user):
        content = store.decode(row.session_data)
        del content[AUTHENTICATION_METHODS_SESSION_KEY]
        row.session_data = store.encode(content)
        row.save()


def prove(browser: Browser, password: str = rows.PASSWORD, **query: str) -> Any:
    """Answer the question, as its page does."""
    return browser.post(ASK, {"password": password, **query})
