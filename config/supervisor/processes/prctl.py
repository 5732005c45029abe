"""Linux's prctl: the parent-death signal, by which no process outlives its supervisor, and the name of a process."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15

# Loaded before any fork: importing between fork and exec may deadlock.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(signum: signal.Signals, *, parent: int | None = None) -> None:
    """Ask the kernel to send `signum` to this process when the thread that forked it ends (Linux only).

    With `parent` given, the signal is also sent if that parent has died before this call.
    """
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signum)


def name_process(name: str) -> None:
    """Set the name that `ps -e` and `top` show, of at most 15 bytes (Linux only)."""
    if _libc is not None:
        _libc.prctl(PR_SET_NAME, name.encode(), 0, 0, 0)
