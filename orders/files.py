"""Storage of report files: type detection by magic bytes, random names outside the web root, integrity check."""

import hashlib
import os
import re
import secrets
import time
from collections.abc import Collection
from pathlib import Path

import structlog
from django.conf import settings
from django.http import HttpResponse
from django.utils.http import content_disposition_header

from orders.models import Attachment, AttachmentType

log = structlog.get_logger(__name__)
MAX_SIZE = 10 * 1024 * 1024
MAX_PIXELS = 100_000_000
PDF_SIGNATURE = b"%PDF-"
PDF_HEAD_SIZE = 1024  # readers look for the signature in here: exporters write a BOM or a MIME head in front
# Some readers also take these, anywhere. A report must open in all of them.
LOOSE_PDF_SIGNATURE_PATTERN = re.compile(rb"%PDF-|%!PS-Adobe-[0-9.]{1,5} PDF-", re.I)
IMAGE_SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
EXTENSIONS = {"application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg"}
ATTACHMENT_TYPES = {"application/pdf": AttachmentType.PDF_URL}
# Readers find the table of objects by startxref. Nothing of the document is behind that.
PDF_END_PATTERN = re.compile(rb"%%EOF|startxref\s{1,10}[0-9]")
PDF_OBJECT_PATTERN = re.compile(rb"[0-9]\s{1,10}obj\b")
JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
JPEG_END = 0xD9
# A marker that ends entropy-coded data. FF00 is a byte of the data, and FFD0 to FFD7 stand between its parts.
JPEG_MARKER_PATTERN = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")
STORED_NAME_PATTERN = re.compile(r"[0-9a-f]{48}|\.[0-9a-f]{48}\.part")
ORPHAN_GRACE_SECONDS = 3600
UNSAFE_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class UnsupportedFileError(ValueError):
    """The file is not accepted. The message is the end of a sentence that starts with "The file"."""


class MalwareError(UnsupportedFileError):
    pass


class DamagedFileError(Exception):
    """The file on disk is missing or was changed."""


def detect_content_type(content: bytes) -> str:
    """Detect the content type. Raises UnsupportedFileError unless it is a complete PDF, PNG or JPEG.

    Data after the end is ignored, as readers do: phones append videos to photos, and servers append lines to PDFs.
    """
    if not content:
        raise UnsupportedFileError("is empty")
    kind = _match_signature(content)
    if kind == "application/pdf":
        _require_whole_pdf(content)
        return kind
    if (_measure_png(content) if kind == "image/png" else _measure_jpeg(content)) > MAX_PIXELS:
        raise UnsupportedFileError(f"has more than {MAX_PIXELS:,} pixels")
    return kind


def _match_signature(content: bytes) -> str:
    for kind, signature in IMAGE_SIGNATURES.items():
        if content.startswith(signature):
            return kind
    if PDF_SIGNATURE in content[:PDF_HEAD_SIZE]:
        return "application/pdf"
    if PDF_SIGNATURE in content:
        raise UnsupportedFileError(f"has no {PDF_SIGNATURE.decode()} in its first {PDF_HEAD_SIZE:,} bytes, only later")
    if LOOSE_PDF_SIGNATURE_PATTERN.search(content):
        raise UnsupportedFileError(f"has no {PDF_SIGNATURE.decode()} in its first {PDF_HEAD_SIZE:,} bytes")
    raise UnsupportedFileError("is not a PDF, PNG or JPEG")


def _require_whole_pdf(content: bytes) -> None:
    """Require an end behind the last object: a PDF that is read from the web has an end after its first page, too."""
    end = max((found.start() for found in PDF_END_PATTERN.finditer(content)), default=-1)
    if end < 0 or PDF_OBJECT_PATTERN.search(content, end):
        raise UnsupportedFileError("is incomplete: after the last object of the PDF, %%EOF is missing")


def _measure_png(content: bytes) -> int:
    """Return the declared number of pixels, against decompression bombs (F10 in tests/reliability/README.md)."""
    if content[12:16] != b"IHDR":
        raise UnsupportedFileError("is damaged: the PNG does not begin with an IHDR chunk")
    at = 8
    while content[at + 4 : at + 8] != b"IEND":
        at += 12 + int.from_bytes(content[at : at + 4])
        if at + 12 > len(content):
            raise UnsupportedFileError("is incomplete or damaged: the PNG has no IEND chunk")
    return int.from_bytes(content[16:20]) * int.from_bytes(content[20:24])


def _measure_jpeg(content: bytes) -> int:
    """Return the largest declared number of pixels. Thumbnails are in segments of their own, which are skipped."""
    pixels, at = 0, 2
    while found := JPEG_MARKER_PATTERN.search(content, at):
        marker, at = found[1][0], found.end()
        if marker == JPEG_END:
            return pixels
        if marker in JPEG_FRAMES:
            height, width = content[at + 3 : at + 5], content[at + 5 : at + 7]
            pixels = max(pixels, int.from_bytes(height) * int.from_bytes(width))
        at += max(int.from_bytes(content[at : at + 2]), 2)
    raise UnsupportedFileError("is incomplete or damaged: the JPEG has no end marker (FFD9) after its image")


def get_attachment_type(content_type: str) -> str:
    return ATTACHMENT_TYPES.get(content_type, AttachmentType.OTHER_URL)


def compute_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sanitize_name(name: str, content_type: str) -> str:
    """Return a safe name for downloads: no path, no control characters, the extension of the content type."""
    plain = UNSAFE_CHARACTERS.sub("", re.split(r"[/\\]", name)[-1]).strip(" .")
    stem, ending = EXTENSIONS[content_type], Path(plain).suffix.lower()
    if ending == stem or (ending, stem) == (".jpeg", ".jpg"):
        return plain[-200:]
    return (plain[:190] or "report") + stem


def store(content: bytes) -> str:
    """Write the file atomically and durably, and return its key. Raises OSError."""
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = secrets.token_hex(24)
    temporary = folder / f".{key}.part"
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(folder / key)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_folder(folder)
    return key


def fsync_folder(folder: Path) -> None:
    """Sync a folder: without it, a renamed file may be lost in a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(key: str) -> None:
    (Path(settings.MEDIA_ROOT) / key).unlink(missing_ok=True)


def delete_orphans() -> int:
    """Delete the files that a crashed process left without a row, and partial ones. Return how many there were.

    Files of the last hour stay, because their rows may be uncommitted.
    """
    folder = Path(settings.MEDIA_ROOT)
    before = time.time() - ORPHAN_GRACE_SECONDS
    old = [entry.name for entry in os.scandir(folder) if _is_old(entry, before)] if folder.is_dir() else []
    orphans = [name for at in range(0, len(old), 500) for name in _find_orphaned_names(old[at : at + 500])]
    for name in orphans:
        (folder / name).unlink(missing_ok=True)
    if orphans:
        log.warning("orphaned files deleted", files=len(orphans))
    return len(orphans)


def _is_old(entry: "os.DirEntry[str]", before: float) -> bool:
    try:
        return (
            STORED_NAME_PATTERN.fullmatch(entry.name) is not None and entry.is_file() and entry.stat().st_mtime < before
        )
    except FileNotFoundError:
        return False  # removed in the meantime


def _find_orphaned_names(names: Collection[str]) -> set[str]:
    return set(names) - set(Attachment.objects.filter(file__in=names).values_list("file", flat=True))


def read(attachment: Attachment) -> bytes:
    """Return the content. Raises DamagedFileError if the file is missing or was changed."""
    try:
        content = (Path(settings.MEDIA_ROOT) / attachment.file).read_bytes()
    except OSError as error:
        raise DamagedFileError(f"it cannot be read ({type(error).__name__})") from None
    if compute_digest(content) != attachment.digest:
        raise DamagedFileError("its content has changed")
    return content


def build_download(attachment: Attachment, content: bytes) -> HttpResponse:
    """Build a download that a browser does not execute."""
    name = attachment.name or f"report{EXTENSIONS[attachment.content_type]}"
    response = HttpResponse(content, content_type=attachment.content_type)
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
