"""`make setup` in a folder of its own, with a package index of its own: a folder with one wheel."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.setup import install
from tests.config.conftest import REPOSITORY

pytestmark = pytest.mark.e2e  # a real virtual environment each time

INSTALLING = "Installing the locked runtime requirements into .venv …\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    for name in ("install.py", "translations.py"):
        shutil.copy(REPOSITORY / "config" / name, tmp_path / "config")
    lock(tmp_path, "1.0")
    (tmp_path / "requirements-dev.txt").write_text("")
    return tmp_path


def lock(clone: Path, version: str) -> None:
    """Write a lock file over one package, and the package."""
    wheel = clone / f"package-{version}-py3-none-any.whl"
    about = f"package-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("package.py", f"version = {version!r}\n")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: package\nVersion: {version}\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (clone / "requirements.txt").write_text(f"package=={version} --hash=sha256:{digest}\n")


def start(clone: Path, *arguments: str) -> "subprocess.Popen[str]":
    environment = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(clone), "PIP_USER": "1"}
    return subprocess.Popen(
        ["make", "setup", f"PYTHON={sys.executable}", *arguments],
        env=environment,
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def setup(clone: Path, *arguments: str) -> tuple[int, str, str]:
    process = start(clone, *arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def installed(clone: Path) -> str:
    return subprocess.check_output(
        [clone / ".venv/bin/python", "-c", "print(__import__('package').version)"], text=True
    )


def test_setup_installs_once_and_again_when_the_lock_changes(clone: Path) -> None:
    assert setup(clone) == (0, INSTALLING, "")
    assert setup(clone) == (0, "", "")
    assert installed(clone) == "1.0\n"

    lock(clone, "2.0")

    assert setup(clone) == (0, INSTALLING, "")
    assert installed(clone) == "2.0\n"


def test_setup_after_an_interrupted_one_makes_the_folder_anew(clone: Path) -> None:
    setup(clone)
    (clone / ".venv" / "unfinished").touch()
    (clone / ".venv" / "half").touch()

    assert setup(clone) == (0, INSTALLING, "")

    assert installed(clone) == "1.0\n"
    assert not (clone / ".venv" / "half").exists()


def test_setup_over_a_broken_folder_makes_it_anew(clone: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")

    assert setup(clone) == (0, INSTALLING, "")

    assert installed(clone) == "1.0\n"


def test_setup_without_the_package_fails_and_the_next_one_works(clone: Path) -> None:
    wheel = next(clone.glob("*.whl"))
    wheel.rename(clone / "elsewhere")

    status, out, err = setup(clone)

    assert (status, out) == (2, INSTALLING)
    assert "make setup: pip could not install the requirements: see above" in err
    (clone / "elsewhere").rename(wheel)
    assert setup(clone) == (0, INSTALLING, "")


def test_setup_twice_at_once_installs_once(clone: Path) -> None:
    first, second = start(clone), start(clone)

    said = sorted([first.communicate(timeout=120)[0], second.communicate(timeout=120)[0]])

    assert (first.returncode, second.returncode) == (0, 0)
    assert said == [INSTALLING, "Waiting for another make setup in this folder …\n"]


def test_setup_without_a_new_enough_python_says_so_in_one_line(clone: Path) -> None:
    status, out, err = setup(clone, "PYTHON=python-of-nowhere")

    assert (status, out) == (2, "")
    assert err.splitlines()[0] == (
        "make setup: no Python 3.11 or newer among: python-of-nowhere. Install it, or name it by PYTHON=…"
    )


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_setup_without_a_module_names_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clone: Path, module: str
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else found(name))

    assert install.main("runtime", clone) == 1

    assert capsys.readouterr().err == (
        f"make setup: {sys.executable} has no module {module}: install it (Debian: apt-get install python3-venv), "
        "or name another Python by PYTHON=…\n"
    )


@pytest.fixture
def no_rights(clone: Path) -> Iterator[None]:
    """As somebody who may not write; root first has to become somebody."""
    clone.chmod(0o500)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    yield
    os.seteuid(me)
    clone.chmod(0o700)


@pytest.mark.usefixtures("no_rights")
def test_setup_in_a_folder_of_somebody_else_says_so(clone: Path) -> None:
    with pytest.raises(install.Failure) as failure:
        install.check_folder(clone)

    assert str(failure.value) == f"{clone} cannot be written (Permission denied): change its owner or rights"
