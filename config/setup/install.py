"""`make setup`: the virtual environment and the locked requirements in it.

Runs on the system's Python, before anything is installed. Only one of it works at a time, and what an interrupted
one left behind is made anew.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LOCKS = {"runtime": ("requirements.txt",), "development": ("requirements.txt", "requirements-dev.txt")}
PIP = ("-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "-qq", "install")
PIP_OPTIONS = ("--require-hashes", "--root-user-action=ignore", "--no-warn-script-location")


class Failure(Exception):
    """What is missing on this machine, and what to do: one line."""


def main(kind: str, root: Path = REPOSITORY) -> int:
    try:
        check_modules()
        check_folder(root)
        with (root / LOCKS[kind][0]).open() as lock:
            wait_for_turn(lock.fileno())
            install(kind, root)
            translate(root)
    except Failure as failure:
        print(f"make setup: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def check_modules() -> None:
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        raise Failure(
            f"{sys.executable} has no module {missing[0]}: install it (Debian: apt-get install python3-venv), "
            "or name another Python by PYTHON=…"
        )


def check_folder(root: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise Failure(f"{root} cannot be written ({error.strerror}): change its owner or rights") from None


def wait_for_turn(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Waiting for another make setup in this folder …", flush=True)
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def install(kind: str, root: Path) -> None:
    """Bring `.venv` to the state of the lock files; at once when it is there already."""
    venv = root / ".venv"
    unfinished = venv / "unfinished"
    if unfinished.exists() or not is_usable(venv):
        make(venv)
    installed = venv / f"installed-{kind}"
    wanted = digest(kind, root)
    if read(installed) == wanted:
        return
    print(f"Installing the locked {kind} requirements into {os.path.relpath(venv)} …", flush=True)
    # What pip leaves half done looks installed to the next pip: the mark has the whole folder made anew.
    unfinished.touch()
    files = [argument for name in LOCKS[kind] for argument in ("-r", str(root / name))]
    environment = {**os.environ, "PIP_USER": "0"}
    if subprocess.call([venv / "bin" / "python", *PIP, *PIP_OPTIONS, *files], env=environment):
        raise Failure(
            "pip could not install the requirements: see above; it uses the package index of its own settings"
        )
    unfinished.unlink()
    installed.write_text(wanted)
    if kind == "development":
        (venv / "installed-runtime").write_text(digest("runtime", root))


def translate(root: Path) -> None:
    """The languages as gettext reads them; without gettext's tools, and at once when nothing changed."""
    if subprocess.call([root / ".venv" / "bin" / "python", "-I", str(root / "config" / "translations.py")]):
        raise Failure("a file under templates/locale cannot be read: see above")


def is_usable(venv: Path) -> bool:
    probe = "import pip, sys; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)"
    try:
        return subprocess.call([venv / "bin" / "python", "-I", "-c", probe], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def make(venv: Path) -> None:
    try:
        if venv.is_symlink() or venv.is_file():
            venv.unlink()
        elif venv.exists():
            shutil.rmtree(venv)
    except OSError as error:
        raise Failure(f"{venv} cannot be made anew ({error.strerror}): remove it") from None
    venv.mkdir()
    (venv / "unfinished").touch()
    if subprocess.call([sys.executable, "-I", "-m", "venv", str(venv)]):
        raise Failure(f"{sys.executable} could not make {venv}: see above")
    (venv / "unfinished").unlink()


def digest(kind: str, root: Path) -> str:
    return hashlib.sha256(b"".join((root / name).read_bytes() for name in LOCKS[kind])).hexdigest()


def read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
