"""Encryption at rest: AES-256-GCM, Fernet tokens of former versions, and nothing that was changed (S4, S5)."""

import base64
from typing import Any

import pytest
from cryptography.fernet import Fernet

from integrations import encryption
from integrations.encryption import DecryptionError, seal, unseal

FORMER, NEWEST, FOREIGN = (Fernet.generate_key().decode() for _ in range(3))
TEXTS = ["", "secret", "ключ \0 lamp", "x" * 100_000]


@pytest.fixture(autouse=True)
def _keys(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [NEWEST, FORMER]


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_for_its_owner_alone(text: str) -> None:
    sealed = seal(text, owner="a:1")
    assert unseal(sealed, owner="a:1") == text
    with pytest.raises(DecryptionError, match="was encrypted for another row"):
        unseal(sealed, owner="a:2")


def test_value_says_its_algorithm_and_nothing_of_the_text() -> None:
    values = {seal("secret", owner="a:1") for _ in range(100)}
    assert len(values) == 100
    sizes = {len(base64.urlsafe_b64decode(value.removeprefix("aes256gcm."))) for value in values}
    assert sizes == {12 + len("a:1\0secret") + 16}  # nonce, text, tag


@pytest.mark.parametrize("place", [0, 5, 11, 12, 20, -17, -16, -1])
def test_changed_value_is_refused(place: int) -> None:
    content = bytearray(base64.urlsafe_b64decode(seal("secret", owner="a:1").removeprefix(encryption.PREFIX)))
    content[place] ^= 1
    with pytest.raises(DecryptionError):
        unseal(encryption.PREFIX + base64.urlsafe_b64encode(content).decode(), owner="a:1")


@pytest.mark.parametrize("value", ["", "aes256gcm.", "aes256gcm.AAAA", "aes256gcm.!", "gAAAAA==", "secret", "é"])
def test_value_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(DecryptionError):
        unseal(value, owner="a:1")
    with pytest.raises(DecryptionError):
        encryption.reseal(value)
    assert not encryption.has_newest_key(value)


def test_each_key_decrypts_and_the_first_encrypts(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [FORMER]
    former = seal("secret", owner="a:1")
    settings.ENCRYPTION_KEYS = [NEWEST, FORMER]
    assert (unseal(former, owner="a:1"), encryption.has_newest_key(former)) == ("secret", False)
    newest = encryption.reseal(former)
    settings.ENCRYPTION_KEYS = [NEWEST]
    assert (unseal(newest, owner="a:1"), encryption.has_newest_key(newest)) == ("secret", True)
    with pytest.raises(DecryptionError, match="add the former key again"):
        unseal(former, owner="a:1")
    settings.ENCRYPTION_KEYS = [FOREIGN]
    with pytest.raises(DecryptionError):
        unseal(newest, owner="a:1")


@pytest.mark.parametrize("key", [NEWEST, FORMER], ids=["newest", "former"])
def test_value_of_a_former_version_is_read_and_replaced(key: str) -> None:
    token = Fernet(key).encrypt(b"a:1\0secret").decode()
    assert (unseal(token, owner="a:1"), encryption.has_newest_key(token)) == ("secret", False)
    replaced = encryption.reseal(token)
    assert replaced.startswith(encryption.PREFIX)
    assert (unseal(replaced, owner="a:1"), encryption.has_newest_key(replaced)) == ("secret", True)
    with pytest.raises(DecryptionError):
        unseal(Fernet(FOREIGN).encrypt(b"a:1\0secret").decode(), owner="a:1")
