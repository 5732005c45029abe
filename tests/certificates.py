"""A private CA made by openssl, and the certificates that it signs, for tests of TLS."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

CONFIGURATION = """
[ca]
default_ca = this
[this]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


class Authority:
    """A CA. `ca_file` is what CA_FILE names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ca_file, self._key = folder / "ca.pem", folder / "ca.key"
        (folder / "index.txt").touch()
        (folder / "ca.conf").write_text(CONFIGURATION.format(folder=folder))
        self._run("req", "-x509", *self._new_key(self._key), "-subj", "/CN=Test CA", "-days", "2", "-out", self.ca_file)

    def issue(self, *names: str, start: timedelta = timedelta(hours=-1), end: timedelta = timedelta(hours=1)) -> Path:
        """Return a PEM file with key and certificate of these host names, valid between these times from now."""
        at = self.folder / f"server-{len(list(self.folder.iterdir()))}"
        key, request, certificate = at.with_suffix(".key"), at.with_suffix(".csr"), at.with_suffix(".crt")
        san = ",".join(f"IP:{name}" if name[0].isdigit() else f"DNS:{name}" for name in names)
        subject = ("-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={san}")
        self._run("req", "-new", *self._new_key(key), *subject, "-out", request)
        now = datetime.now(UTC)
        times = ("-startdate", f"{now + start:%Y%m%d%H%M%SZ}", "-enddate", f"{now + end:%Y%m%d%H%M%SZ}")
        signer = ("-config", self.folder / "ca.conf", "-cert", self.ca_file, "-keyfile", self._key)
        self._run("ca", "-batch", "-notext", *signer, *times, "-in", request, "-out", certificate)
        pem = at.with_suffix(".pem")
        pem.write_bytes(key.read_bytes() + certificate.read_bytes())
        return pem

    @staticmethod
    def _new_key(path: Path) -> tuple[object, ...]:
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path)

    def _run(self, *arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


EXPIRED = {"start": timedelta(days=-2), "end": timedelta(days=-1)}
NOT_YET_VALID = {"start": timedelta(days=1), "end": timedelta(days=2)}
