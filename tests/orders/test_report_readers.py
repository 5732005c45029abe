"""Reports in the programs that people open them with: poppler, pypdf and Pillow.

What all of them open is accepted. Everything else is refused with a sentence that is true of the file.
"""

import io
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal
from django.test import Client
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from rest_framework.test import APIClient

from integrations.simulator.engine import build_pdf
from orders.api.engine import FILE_ADVICE
from orders.models import Attachment, Order
from tests.orders.test_attachments import CUT_JPEG, CUT_PDF, CUT_PNG, MIME_HEAD, UNKNOWN, upload

pytestmark = [pytest.mark.django_db, pytest.mark.poppler]
PDF = build_pdf(["Package: Typing", "Candidate: Zoë Haddad", "Score: 54 of 80 (Good)"])
SIZE = (40, 30)
LATE_HEAD = "has no %PDF- in its first 1,024 bytes"


def draw(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.radial_gradient("L").resize(SIZE).convert(mode).save(out, kind, **options)
    return out.getvalue()


def rewrite(*, is_update: bool = False, password: str | None = None) -> bytes:
    """Return the PDF as another program writes it: with a second revision behind the first one, or encrypted."""
    out, writer = io.BytesIO(), PdfWriter(io.BytesIO(PDF), incremental=is_update)
    if is_update:
        writer.add_blank_page(200, 200)
    if password is not None:
        writer.encrypt(password, "the owner's", algorithm="AES-256")
    writer.write(out)
    return out.getvalue()


def cut(content: bytes, end: bytes, kept: int = 0) -> bytes:
    """Return the content up to the last `end`, and as many bytes of that."""
    return content[: content.rindex(end) + kept]


def overwrite_chunk_length(png: bytes) -> bytes:
    at = png.index(b"IDAT") - 4
    return png[:at] + (2**24).to_bytes(4) + png[at + 4 :]


PNG, JPEG = draw("PNG"), draw("JPEG")
REVISED = rewrite(is_update=True)
PDFS = {
    "plain": PDF,
    "with a BOM": b"\xef\xbb\xbf" + PDF,
    "behind a line end": b"\r\n" + PDF,
    "behind a MIME head": MIME_HEAD + PDF,
    "behind as much as may be": b" " * 1019 + PDF,
    "before zeros": PDF + b"\0" * 2000,
    "before a web server's comment": PDF + b"<!-- served in 12 ms -->" * 1000,
    "before a MIME boundary": PDF + b"\r\n--boundary--\r\n",
    "before the start of another table": PDF + b"startxref\n",
    "in two revisions": REVISED,
    "in two revisions before zeros": REVISED + b"\0" * 5000,
    "with a table elsewhere": PDF.replace(b"startxref\n", b"startxref\n9"),
    "with Windows line ends": PDF.replace(b"\n", b"\r\n"),
    "with old Mac line ends": PDF.replace(b"\n", b"\r"),
    "without the last letters": cut(PDF, b"%%EOF", 2),
    "without the end of its second revision": cut(REVISED, b"%%EOF", 3),
    "protected against changes": rewrite(password=""),
    "with less on its first line": PDF.replace(b"%PDF-1.4", b"%PDF-1"),
}
IMAGES = {
    "grey JPEG": draw("JPEG", "L"),
    "CMYK JPEG": draw("JPEG", "CMYK"),
    "progressive JPEG": draw("JPEG", progressive=True),
    "JPEG in parts": draw("JPEG", restart_marker_blocks=1),
    "JPEG with an end marker in its comment": draw("JPEG", comment=b"\xff\xd9"),
    "JPEG before a phone's video": JPEG + b"\0\0\0\x18ftypmp42" + b"video" * 1000,
    "JPEG before a text": JPEG + b"text",
    "two JPEGs": draw("MPO", save_all=True, append_images=[Image.new("RGB", SIZE)]),
    "grey PNG": draw("PNG", "L"),
    "PNG with a palette": draw("PNG", "P"),
    "transparent PNG": draw("PNG", "RGBA"),
    "PNG in black and white": draw("PNG", "1"),
    "moving PNG": draw("PNG", save_all=True, append_images=[Image.new("RGB", SIZE)]),
    "PNG before a text": PNG + b"text",
    "PNG before another": PNG + PNG[:-4],
    "PNG with a wrong checksum": PNG.replace(PNG[-16:-12], b"\0\0\0\0"),
}
# Nobody opens these.
BROKEN = {
    "PDF cut in an object": (cut(PDF, b"/Helvetica"), CUT_PDF),
    "PDF cut before its table": (cut(PDF, b"xref\n0 6"), CUT_PDF),
    "page about PDFs": (b"<html><p>Begin with %PDF-1.4", CUT_PDF),
    "PDF without its beginning": (PDF[400:], UNKNOWN),
    "JPEG cut in its image": (JPEG[: len(JPEG) // 2], CUT_JPEG),
    "progressive JPEG cut in its image": (draw("JPEG", progressive=True)[:-200], CUT_JPEG),
    "JPEG without its end": (JPEG[:-2], CUT_JPEG),
    "JPEG with zeros at its end": (JPEG[:-10] + b"\0" * 10, CUT_JPEG),
    "JPEG behind a BOM": (b"\xef\xbb\xbf" + JPEG, UNKNOWN),
    "PNG cut in its image": (cut(PNG, b"IDAT", 50), CUT_PNG),
    "PNG with Windows line ends": (PNG.replace(b"\n", b"\r\n"), UNKNOWN),
    "PNG behind a line end": (b"\n" + PNG, UNKNOWN),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UNKNOWN),
}
# Some readers guess what is missing, or show less than the file had.
DOUBTFUL = {
    "PDF cut behind its trailer": (cut(PDF, b"startxref"), CUT_PDF, {"poppler"}),
    "PDF cut in its second revision": (cut(REVISED, b"startxref"), CUT_PDF, {"poppler", "pypdf"}),
    "PDF cut in the number of its table": (cut(PDF, b"startxref", 10), CUT_PDF, {"poppler"}),
    "PDF behind too much": (b" " * 1020 + PDF, f"{LATE_HEAD}, only later", {"poppler", "pypdf"}),
    "PDF with a small head": (PDF.replace(b"%PDF-", b"%pdf-"), LATE_HEAD, {"poppler", "pypdf"}),
    "PDF with a PostScript head": (
        PDF.replace(b"%PDF-", b"%!PS-Adobe-3.0 PDF-"),
        LATE_HEAD,
        {"poppler", "pypdf"},
    ),
    "PNG without its end": (cut(PNG, b"IEND", -4), CUT_PNG, {"Pillow"}),
    "PNG with a damaged chunk": (overwrite_chunk_length(PNG), CUT_PNG, {"Pillow"}),
    "GIF": (draw("GIF", "P"), UNKNOWN, {"Pillow"}),
    "WebP": (draw("WEBP"), UNKNOWN, {"Pillow"}),
    "TIFF": (draw("TIFF"), UNKNOWN, {"Pillow"}),
}


@pytest.fixture(autouse=True)
def _quiet_pypdf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("pypdf"), "disabled", True)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path / "files"


def read_with_poppler(file: Path) -> tuple[int, list[str]]:
    """Return the number of pages, and the words."""
    info = subprocess.run(["pdfinfo", file], check=True, capture_output=True, text=True).stdout
    pages = next(line.split()[1] for line in info.splitlines() if line.startswith("Pages:"))
    words = subprocess.run(["pdftotext", file, "-"], check=True, capture_output=True, text=True).stdout
    return int(pages), words.split()


def read_with_pypdf(file: Path) -> tuple[int, list[str]]:
    pages = PdfReader(file).pages
    return len(pages), [word for page in pages for word in page.extract_text().split()]


def read_with_pillow(file: Path) -> tuple[int, int]:
    with Image.open(file) as image:
        image.load()
        return image.size


READERS = {"poppler": read_with_poppler, "pypdf": read_with_pypdf, "Pillow": read_with_pillow}


def open_everywhere(content: bytes, folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield what each program reads in the file, for those that open it."""
    file = folder / "report"
    file.write_bytes(content)
    for name, read in READERS.items():
        try:
            yield name, read(file)
        except (subprocess.CalledProcessError, PyPdfError, OSError, SyntaxError):
            continue


def upload_and_download(engine: APIClient, order: Order, client: Client, content: bytes) -> bytes:
    answer = upload(engine, order, content)
    assert answer.status_code == 201, answer.json()
    served = client.get(answer.json()["url"].removeprefix(portal.PUBLIC_URL))
    return bytes(served.content)


@pytest.mark.parametrize("name", PDFS)
def test_pdf_that_readers_open_is_accepted(
    engine: APIClient, order: Order, client: Client, tmp_path: Path, name: str
) -> None:
    served = upload_and_download(engine, order, client, PDFS[name])
    words = ["Package:", "Typing", "Candidate:", "Zoë", "Haddad", "Score:", "54", "of", "80", "(Good)"]
    pages = 2 if "revision" in name else 1
    assert dict(open_everywhere(served, tmp_path)) == {"poppler": (pages, words), "pypdf": (pages, words)}


@pytest.mark.parametrize("name", IMAGES)
def test_image_that_readers_open_is_accepted(
    engine: APIClient, order: Order, client: Client, tmp_path: Path, name: str
) -> None:
    served = upload_and_download(engine, order, client, IMAGES[name])
    assert dict(open_everywhere(served, tmp_path)) == {"Pillow": SIZE}


@pytest.mark.parametrize("name", BROKEN)
def test_file_that_nobody_opens_is_refused_with_its_reason(
    engine: APIClient, order: Order, tmp_path: Path, name: str
) -> None:
    content, reason = BROKEN[name]
    assert dict(open_everywhere(content, tmp_path)) == {}
    assert_refused(upload(engine, order, content), reason)


@pytest.mark.parametrize("name", DOUBTFUL)
def test_file_that_only_some_readers_open_is_refused_with_a_true_reason(
    engine: APIClient, order: Order, tmp_path: Path, name: str
) -> None:
    content, reason, readers = DOUBTFUL[name]
    assert set(dict(open_everywhere(content, tmp_path))) == readers
    assert_refused(upload(engine, order, content), reason)


def assert_refused(answer: Any, reason: str) -> None:
    errors = [{"code": "invalid", "message": f"The file {reason}. {FILE_ADVICE}", "field": "file"}]
    assert (answer.status_code, answer.json()["errors"]) == (422, errors)
    assert Attachment.objects.count() == 0
