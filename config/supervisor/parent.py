import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

# Loaded before any fork: between fork and exec nothing should be imported.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(signum: signal.Signals, *, parent: int | None = None) -> None:
    """Ask the kernel to send `signum` to this process when the thread that forked it ends.

    With `parent` given, a parent that died before this call counts as well. Only Linux knows this; elsewhere
    nothing happens.
    """
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signum)
