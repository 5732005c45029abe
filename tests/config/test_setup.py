"""`make setup` in a folder of its own, with a package index of its own: a folder with one wheel."""

import gettext
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import polib
import pytest

from tests.config.conftest import REPOSITORY

pytestmark = pytest.mark.e2e  # a real virtual environment each time

INSTALLING = "Installing the locked {} requirements into .venv …\n"
RUNTIME, DEVELOPMENT = INSTALLING.format("runtime"), INSTALLING.format("development")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    lock(tmp_path, "1.0")
    (tmp_path / "requirements-dev.txt").write_text("")
    return tmp_path


def lock(clone: Path, version: str) -> None:
    """Write a package, and a lock file with it."""
    wheel = clone / f"package-{version}-py3-none-any.whl"
    about = f"package-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("package.py", f"version = {version!r}\n")
        archive.write(polib.__file__, "polib.py")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: package\nVersion: {version}\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (clone / "requirements.txt").write_text(f"package=={version} --hash=sha256:{digest}\n")


def setup(clone: Path, *arguments: str, target: str = "setup") -> tuple[int, str, str]:
    environment = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(clone), "PIP_USER": "1"}
    done = subprocess.run(
        ["make", target, f"PYTHON={sys.executable}", *arguments],
        env=environment,
        cwd=clone,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def installed(clone: Path) -> str:
    return subprocess.check_output(
        [clone / ".venv/bin/python", "-c", "print(__import__('package').version)"], text=True
    )


def test_setup_installs_once_and_again_when_the_lock_changes(clone: Path) -> None:
    assert setup(clone) == (0, RUNTIME, "")
    assert setup(clone) == (0, "", "")
    assert installed(clone) == "1.0\n"

    lock(clone, "2.0")

    assert setup(clone) == (0, RUNTIME, "")
    assert installed(clone) == "2.0\n"


def test_setup_after_an_interrupted_one_creates_the_folder_anew(clone: Path) -> None:
    setup(clone)
    (clone / ".venv" / "installed-runtime").unlink()  # as the rule does before it calls pip
    (clone / ".venv" / "half").touch()

    assert setup(clone) == (0, RUNTIME, "")

    assert installed(clone) == "1.0\n"
    assert not (clone / ".venv" / "half").exists()


def test_setup_that_fails_on_a_new_lock_leaves_no_stamp(clone: Path) -> None:
    setup(clone)
    (clone / "requirements.txt").write_text("package==3.0 --hash=sha256:00\n")
    os.utime(clone / "requirements.txt", (2**32, 2**32))

    assert setup(clone)[0] == 2

    assert list((clone / ".venv").glob("installed-*")) == []


def test_setup_refuses_a_package_that_is_not_the_locked_one(clone: Path) -> None:
    text = (clone / "requirements.txt").read_text()
    (clone / "requirements.txt").write_text(f"{text.partition('sha256:')[0]}sha256:{'0' * 64}\n")

    status, _, err = setup(clone)

    assert (status, "THESE PACKAGES DO NOT MATCH THE HASHES" in err) == (2, True)


@pytest.mark.parametrize("stamps", [[], ["installed-runtime", "installed-development"]])
def test_setup_over_a_broken_folder_creates_it_anew(clone: Path, stamps: list[str]) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    for stamp in stamps:
        (clone / ".venv" / stamp).touch()

    assert setup(clone) == (0, RUNTIME, "")

    assert installed(clone) == "1.0\n"


def test_development_setup_holds_the_runtime_and_is_added_to_it(clone: Path) -> None:
    assert setup(clone) == (0, RUNTIME, "")
    assert setup(clone, target="setup-development") == (0, DEVELOPMENT, "")
    assert setup(clone, target="setup-development") == (0, "", "")
    assert setup(clone) == (0, "", "")


def test_setup_without_the_package_fails_and_the_next_one_works(clone: Path) -> None:
    wheel = next(clone.glob("*.whl"))
    wheel.rename(clone / "elsewhere")

    status, out, err = setup(clone)

    assert (status, out) == (2, RUNTIME)
    assert "make setup: pip could not install the requirements: see above" in err
    (clone / "elsewhere").rename(wheel)
    assert setup(clone) == (0, RUNTIME, "")


def test_setup_without_a_new_enough_python_says_so_in_one_line(clone: Path) -> None:
    status, out, err = setup(clone, "PYTHON=python-of-nowhere")

    assert (status, out) == (2, "")
    assert err.splitlines()[0] == (
        "make setup: no Python 3.11 or newer among: python-of-nowhere. Install it, or name it by PYTHON=…"
    )


def test_setup_passes_over_an_old_python(clone: Path) -> None:
    old = stand_in(clone, "exit 1")
    assert setup(clone, f"PYTHON={old} {sys.executable}") == (0, RUNTIME, "")


def test_setup_with_a_python_without_venv_names_the_package(clone: Path) -> None:
    partial = stand_in(
        clone, f'case "$*" in *-m*) echo "No module named venv" >&2; exit 1;; esac; exec {sys.executable} "$@"'
    )

    status, out, err = setup(clone, f"PYTHON={partial}")

    assert (status, out) == (2, "")
    assert err.splitlines()[:2] == [
        "No module named venv",
        f"make setup: {partial} could not create .venv: see above (Debian: apt-get install python3-venv)",
    ]


def stand_in(clone: Path, script: str) -> Path:
    path = clone / "python-stand-in"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


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


def test_setup_compiles_translations_as_gettext_reads_them(clone: Path) -> None:
    folders = [clone / "templates" / "locale" / code / "LC_MESSAGES" for code in ("fr", "zh_Hans")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "django.po").write_text(PO)

    assert setup(clone) == (0, RUNTIME, "")

    assert [[path.name for path in sorted(folder.iterdir())] for folder in folders] == [["django.mo", "django.po"]] * 2
    with (folders[0] / "django.mo").open("rb") as file:
        found = gettext.GNUTranslations(file)
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
