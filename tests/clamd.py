"""ClamAV's daemon with two signatures of our own, so that no database has to be downloaded."""

import shutil
import subprocess
from pathlib import Path
from typing import Self

from tests.config.conftest import free_port, wait_for

# Assembled here: with the whole string in this file, scanners of developers' machines would quarantine it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
SIGNATURE = "Eicar-Test.UNOFFICIAL"  # clamd's word for signatures that are not ClamAV's
CONFIGURATION = """
Foreground yes
DatabaseDirectory {folder}/signatures
LocalSocket {socket}
TCPSocket {port}
TCPAddr 127.0.0.1
LogFile {folder}/clamd.log
StreamMaxLength {max_size}
"""


def find_program() -> str | None:
    return shutil.which("clamd") or shutil.which("/usr/sbin/clamd")


class Clamd:
    """The daemon in a folder. It can be stopped and started again at the same addresses."""

    def __init__(self, folder: Path, *, max_size: str = "25M") -> None:
        self.folder, self.port, self.socket = folder, free_port(), folder / "clamd.sock"
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "signatures").mkdir(parents=True)
        (folder / "signatures" / "test.ndb").write_text(f"Eicar-Test:0:*:{EICAR.hex()}\n")
        text = CONFIGURATION.format(folder=folder, socket=self.socket, port=self.port, max_size=max_size)
        (folder / "clamd.conf").write_text(text)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        program = find_program()
        assert program is not None
        command = [program, f"--config-file={self.folder / 'clamd.conf'}"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: self.socket.exists() or self._process is None or self._process.poll() is not None)
        assert self._process.poll() is None, (self.folder / "clamd.log").read_text()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.socket.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
