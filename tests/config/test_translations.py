"""Another language is a file; `make setup` compiles it (test_setup.py)."""

import re
from pathlib import Path

import polib
import pytest
from django.conf import settings

from config import environment

LOCALE_PATH = settings.LOCALE_PATHS[0]


def read_messages(code: str) -> dict[str, str]:
    """Return the translated texts of a language; a plural's forms together."""
    po = polib.pofile(str(LOCALE_PATH / code / "LC_MESSAGES" / "django.po"))
    return {
        f"{entry.msgid}\0{entry.msgid_plural}": "\0".join([entry.msgstr, *entry.msgstr_plural.values()])
        for entry in po.translated_entries()
    }


def test_new_file_is_a_new_language(tmp_path: Path) -> None:
    for code in ("fr", "zh_Hans", "ar"):
        folder = tmp_path / code / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / "django.po").touch()
    assert environment.list_language_codes(tmp_path) == ["en", "ar", "fr", "zh-hans"]
    assert environment.language_choices(["en", "ar", "xx"]) == [("en", "English"), ("ar", "العربيّة"), ("xx", "xx")]


@pytest.mark.parametrize("code", [code for code, _ in settings.LANGUAGES if code != "en"])
def test_translation_is_complete_and_names_the_same_facts(code: str) -> None:
    po = (LOCALE_PATH / code / "LC_MESSAGES" / "django.po").read_text()
    found = read_messages(code)
    assert po.count("\nmsgid ") == len(found) + 1  # the header
    for english, said in found.items():
        assert set(re.findall(r"%\(\w+\)s", english)) == set(re.findall(r"%\(\w+\)s", said)), english


def texts_of_templates() -> set[str]:
    found = set()
    for path in (settings.BASE_DIR / "templates").rglob("*.*"):
        if path.suffix in (".html", ".txt"):
            said = path.read_text()
            found |= set(re.findall(r'{% translate "([^"]+)" %}', said))
            blocks = re.findall(r"{% blocktranslate(?: with [^%]*)? %}(.*?){% endblocktranslate %}", said, re.DOTALL)
            found |= {re.sub(r"{{ (\w+) }}", r"%(\1)s", block) for block in blocks}
    return found


@pytest.mark.parametrize("code", [code for code, _ in settings.LANGUAGES if code != "en"])
def test_translation_has_every_text_of_the_templates(code: str) -> None:
    found = {text for key in read_messages(code) for text in key.split("\0")}
    assert sorted(texts_of_templates() - found) == []
