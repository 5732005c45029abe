"""The data folder and its lock: one portal at a time."""

import fcntl
import getpass
import os
import tempfile
import time
from pathlib import Path
from typing import Self

from config.supervisor.errors import StartupError

STOP_TIMEOUT = 20.0


def prepare_data_dir(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "static").mkdir(exist_ok=True)  # whitenoise warns if it is missing
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StartupError(
            f"{folder} is not writable for user {_current_user()} ({error.strerror}): change its owner or permissions"
        ) from None


class DataDirLock:
    """Lock that a portal holds on its data folder (flock). The kernel releases it when the process dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "portal.lock"

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StartupError(
                f"{self._path} cannot be opened ({error.strerror}): change its owner or permissions"
            ) from None
        deadline = time.monotonic() + STOP_TIMEOUT
        while not self._try_lock():
            holder, _, state = os.pread(self._descriptor, 100, 0).decode().strip().partition(" ")
            if state != "stopping" or time.monotonic() > deadline:
                os.close(self._descriptor)
                raise StartupError(f"a portal is already running on {self._folder} (process {holder}): stop it first")
            time.sleep(0.05)
        self._write_state(str(os.getpid()))
        return self

    def announce_stop(self) -> None:
        """Let a portal that starts now wait until this one has stopped."""
        self._write_state(f"{os.getpid()} stopping")

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def _try_lock(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _write_state(self, text: str) -> None:
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)


def _current_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
