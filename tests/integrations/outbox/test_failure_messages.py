import pytest

from integrations.outbox import handlers
from integrations.outbox.sending import failure_messages


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("503", "SmartRecruiters was not available (503)"),
        ("500: <html>oops", "SmartRecruiters reported an error (500)"),
        ("418: {}", "SmartRecruiters did not accept the result (418)"),
        ('422: {"errors": [{"code": "X", "message": "The order is closed."}]}',
         "SmartRecruiters found something wrong with the result (422): “The order is closed”"),
        ('400: {"detail": "Cut o', "SmartRecruiters found something wrong with the result (400)"),
        ('409: {"message": "says \\"no\\""}',
         'SmartRecruiters reported a conflict with the result (409): “says "no"”'),
        ("The connection needs a reconnect.", "The connection needs a reconnect."),
        ("422 no such status", "422 no such status"),
        ("", ""),
    ],
)  # fmt: skip
def test_reason_in_words(reason: str, said: str) -> None:
    assert failure_messages.translate_reason(reason, handlers.get_handler_of_kind("result")) == said


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("404", "The engine has nothing at the webhook's URL (404)"),
        ("401", "The engine did not accept the message, or its signature (401)"),
        ("503", "The engine was not available (503)"),
    ],
)
def test_reason_of_a_webhook_in_words(reason: str, said: str) -> None:
    assert failure_messages.translate_reason(reason, handlers.get_handler_of_kind("webhook")) == said
