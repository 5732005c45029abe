"""Another language is a file."""

import gettext
import io
import re
from pathlib import Path

import pytest
from django.conf import settings

from config import environment
from config.setup import translations

PO = r"""
# Somebody's remark.
msgid ""
msgstr ""
"Language: fr\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\n"
#, python-format
msgid "Hello %(person)s,"
msgstr "Bonjour « %(person)s »,"
msgid ""
"Two "
"lines"
msgstr "Deux\n\"lignes\""

#, fuzzy
msgid "A guess"
msgstr "Une idée"

msgctxt "verb"
msgid "Order"
msgstr "Commander"
msgid "%(count)s order"
msgid_plural "%(count)s orders"
msgstr[0] "%(count)s commande"
msgstr[1] "%(count)s commandes"
msgid "Not yet"
msgstr ""
#~ msgid "Gone"
#~ msgstr "Parti"
"""


def test_file_is_compiled_as_gettext_reads_it() -> None:
    found = gettext.GNUTranslations(io.BytesIO(translations.compiled(translations.messages(PO))))
    assert found.gettext("Hello %(person)s,") == "Bonjour « %(person)s »,"
    assert found.gettext("Two lines") == 'Deux\n"lignes"'
    assert found.pgettext("verb", "Order") == "Commander"
    assert [found.ngettext("%(count)s order", "%(count)s orders", n) for n in (1, 2)] == [
        "%(count)s commande",
        "%(count)s commandes",
    ]
    assert [found.gettext(text) for text in ("A guess", "Not yet", "Gone", "Order")] == [
        "A guess",
        "Not yet",
        "Gone",
        "Order",
    ]


def test_new_file_is_a_new_language(tmp_path: Path) -> None:
    for code in ("fr", "zh_Hans", "ar"):
        folder = tmp_path / code / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / "django.po").write_text(PO)
    assert translations.list_language_codes(tmp_path) == ["en", "ar", "fr", "zh-hans"]
    assert environment.language_choices(["en", "ar", "xx"]) == [("en", "English"), ("ar", "العربيّة"), ("xx", "xx")]
    translations.compile_all(tmp_path)
    compiled = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.mo"))
    assert compiled == [f"{code}/LC_MESSAGES/django.mo" for code in ("ar", "fr", "zh_Hans")]


@pytest.mark.parametrize("code", [code for code, _ in settings.LANGUAGES if code != "en"])
def test_translation_is_complete_and_names_the_same_facts(code: str) -> None:
    po = (translations.FOLDER / code / "LC_MESSAGES" / "django.po").read_text()
    found = translations.messages(po)
    assert po.count("\nmsgid ") == len(found)
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
    found = translations.messages((translations.FOLDER / code / "LC_MESSAGES" / "django.po").read_text())
    assert sorted(texts_of_templates() - found.keys()) == []
