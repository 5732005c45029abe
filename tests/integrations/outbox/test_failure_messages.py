import pytest

from integrations.outbox import failure_messages


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("503", "SmartRecruiters was not available (503)"),
        ("500: <html>oops", "SmartRecruiters had an error (500)"),
        ("418: {}", "SmartRecruiters did not take the result (418)"),
        ('422: {"errors": [{"code": "X", "message": "The order is closed."}]}',
         "SmartRecruiters found something wrong with the result (422): “The order is closed”"),
        ('400: {"detail": "Cut o', "SmartRecruiters found something wrong with the result (400)"),
        ('409: {"message": "says \\"no\\""}',
         'SmartRecruiters says that the result contradicts what it has (409): “says "no"”'),
        ("The connection needs a reconnect.", "The connection needs a reconnect."),
        ("422 no such status", "422 no such status"),
        ("", ""),
    ],
)  # fmt: skip
def test_reason_in_words(reason: str, said: str) -> None:
    assert failure_messages.translate_reason(reason, "SmartRecruiters", "the result") == said


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("404", "The engine has nothing at the webhook's address (404)"),
        ("401", "The engine did not accept the notice, or its signature (401)"),
        ("503", "The engine was not available (503)"),
    ],
)
def test_reason_of_a_webhook_in_words(reason: str, said: str) -> None:
    assert failure_messages.translate_reason(reason, failure_messages.PEER_NAMES["webhook"], "the notice") == said
