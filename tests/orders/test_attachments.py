"""Reports: accepting files and URLs, and serving hosted files."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from integrations.outbox.models import Delivery
from orders import files, results
from orders.api.engine import FILE_ADVICE, HEAD_NOT_UTF8, UNREADABLE_FORM
from orders.models import Attachment, Order, OrderEvent

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def png(width: int = 1, height: int = 1) -> bytes:
    size = width.to_bytes(4) + height.to_bytes(4)
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + size + b"\x08\0\0\0\0crc!" + b"\0\0\0\0IEND\xaeB`\x82"


def jpeg(width: int = 1, height: int = 1) -> bytes:
    frame = b"\xff\xc0\0\x0b\x08" + height.to_bytes(2) + width.to_bytes(2) + b"\1\1\x11\0"
    return b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + frame + b"\xff\xd9"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path / "files"


def url(order: Order, rest: str = "") -> str:
    return f"/api/vendor/v1/orders/{order.pk}/attachments{rest}"


def upload(engine: APIClient, order: Order, content: bytes = PDF, filename: str = "report.pdf", **form: str) -> Any:
    file = BytesIO(content)
    file.name = filename
    return engine.post(url(order), {"file": file, **form}, format="multipart")


def stored(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


def local(address: str) -> str:
    return address.removeprefix(portal.PUBLIC_URL)


def test_file_is_hosted_under_a_random_link(engine: APIClient, order: Order, folder: Path) -> None:
    answer = upload(engine, order)
    attachment = Attachment.objects.get()
    assert (answer.status_code, answer.json()) == (
        201,
        {
            "id": attachment.pk,
            "assessment_id": None,
            "type": "PDF_URL",
            "name": "report.pdf",
            "url": f"{portal.PUBLIC_URL}/files/{attachment.link_token}",
        },
    )
    [path] = stored(folder)
    assert (path.name, path.read_bytes(), oct(path.stat().st_mode)[-3:]) == (attachment.file, PDF, "600")
    assert engine.get(f"/api/vendor/v1/orders/{order.pk}").json()["attachments"] == [answer.json()]


@pytest.mark.parametrize(("content", "type"), [(PDF, "PDF_URL"), (png(), "OTHER_URL"), (jpeg(), "OTHER_URL")])
def test_kind_is_found_by_content(engine: APIClient, order: Order, content: bytes, type: str) -> None:
    answer = upload(engine, order, content, "x.html", assessment_id="logic", name="Report")
    assert answer.status_code == 201
    assert (answer.json()["type"], answer.json()["assessment_id"]) == (type, "logic")
    assert answer.json()["name"] in ("Report.pdf", "Report.png", "Report.jpg")


def test_address_is_kept_as_it_is(engine: APIClient, order: Order) -> None:
    body = {"type": "VIDEO_URL", "url": "https://engine.example/v/1", "assessment_id": "typing", "name": "Interview"}
    answer = engine.post(url(order), body)
    assert answer.status_code == 201
    assert answer.json() == {"id": Attachment.objects.get().pk, **body}


def test_same_content_or_address_again_is_the_same_attachment(engine: APIClient, order: Order, folder: Path) -> None:
    for send in (
        lambda: upload(engine, order),
        lambda: engine.post(url(order), {"type": "PDF_URL", "url": "https://engine.example/1"}),
    ):
        first, again = send(), send()
        assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    assert (Attachment.objects.count(), len(stored(folder))) == (2, 1)


def test_same_content_for_another_assessment_is_another(engine: APIClient, order: Order) -> None:
    assert [upload(engine, order, assessment_id=each).status_code for each in ("", "logic", "typing")] == [201] * 3


def test_attachment_waits_for_a_status_and_then_goes_at_once(engine: APIClient, order: Order) -> None:
    upload(engine, order)
    assert not Delivery.objects.filter(kind="result").exists()
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    engine.post(url(order), {"type": "PDF_URL", "url": "https://engine.example/1", "assessment_id": "logic"})
    payload = Delivery.objects.filter(kind="result", state="pending").get().payload
    assert list(payload) == ["status", "attachments", "assessmentResults"]
    assert payload["assessmentResults"] == [
        {"assessmentId": "logic", "attachments": [{"type": "PDF_URL", "url": "https://engine.example/1"}]}
    ]


def test_several_reports_of_each_kind_go_out_where_they_belong(engine: APIClient, order: Order) -> None:
    video = "https://video.example/watch"
    for assessment_id in ("", "logic"):
        for content in (PDF, png(), jpeg()):
            assert upload(engine, order, content, assessment_id=assessment_id).status_code == 201
        for number in (1, 2):
            body = {"type": "VIDEO_URL", "url": f"{video}/{number}", "assessment_id": assessment_id}
            assert engine.post(url(order), body).status_code == 201
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    payload = Delivery.objects.filter(kind="result", state="pending").get().payload
    [logic] = payload["assessmentResults"]
    kinds = ["PDF_URL", "OTHER_URL", "OTHER_URL", "VIDEO_URL", "VIDEO_URL"]
    for part in (payload, logic):
        assert [each["type"] for each in part["attachments"]] == kinds
        assert [each["url"] for each in part["attachments"][3:]] == [f"{video}/1", f"{video}/2"]


def test_attachment_that_is_removed_is_gone_with_its_file(
    engine: APIClient, order: Order, folder: Path, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    made = upload(engine, order).json()
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    with django_capture_on_commit_callbacks(execute=True):
        assert engine.delete(url(order, f"/{made['id']}")).status_code == 204
    assert stored(folder) == []
    assert client.get(local(made["url"])).status_code == 404
    assert engine.delete(url(order, f"/{made['id']}")).status_code == 404
    assert Delivery.objects.filter(kind="result", state="pending").get().payload == {"status": "COMPLETED"}
    assert list(OrderEvent.objects.filter(what__startswith="Attach").values_list("what", flat=True)) == [
        "Attachment removed",
        "Attachment added",
    ]


def test_attachment_of_another_order_is_not_found(engine: APIClient, order: Order, inline_order: Order) -> None:
    made = upload(engine, order).json()
    assert engine.delete(url(inline_order, f"/{made['id']}")).status_code == 404
    assert Attachment.objects.count() == 1


HTML = b"<!doctype html><script>alert(1)</script>"


UNKNOWN = "is not a PDF, PNG or JPEG"
CUT_PDF = "is incomplete: after the last object of the PDF, %%EOF is missing"
CUT_PNG = "is incomplete or damaged: the PNG has no IEND chunk"
CUT_JPEG = "is incomplete or damaged: the JPEG has no end marker (FFD9) after its image"
# What phones write: a photo with a thumbnail in its head, which has an end marker of its own.
THUMBNAIL = b"\xff\xe1" + (2 + len(jpeg())).to_bytes(2) + jpeg()
SCAN = b"\xff\xda\0\x08\1\1\0\0\x3f\0" + b"\x12\xff\0\xd9\xff\xd0\x34"
PHOTO = b"\xff\xd8" + THUMBNAIL + jpeg(4000, 3000)[2:-2] + SCAN + b"\xff\xd9"
LINEARIZED = PDF + b"2 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n0\n%%EOF\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"x", UNKNOWN),
        (HTML, UNKNOWN),
        (b"GIF89a" + HTML, UNKNOWN),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UNKNOWN),
        (b"PK\x03\x04zip", UNKNOWN),
        (b"MZ\x90\0", UNKNOWN),
        (b"\xef\xbb\xbf" + png(), UNKNOWN),
        (b"\r\n" + jpeg(), UNKNOWN),
        (b" " * 1020 + PDF, "has no %PDF- in its first 1,024 bytes, only later"),
        (PDF[:-8], CUT_PDF),
        (b"%PDF-1.7\n" + HTML, CUT_PDF),
        (b"%%EOF\n" + PDF[:-8], CUT_PDF),
        (LINEARIZED[:-8], CUT_PDF),
        (png()[:-4], CUT_PNG),
        (png()[:-12] + b"\x7f\xff\xff\xffIDAT" + png()[-12:], CUT_PNG),
        (b"\x89PNG\r\n\x1a\n", "is damaged: the PNG does not begin with an IHDR chunk"),
        (png()[:12] + b"IEND" + png()[16:], "is damaged: the PNG does not begin with an IHDR chunk"),
        (png(50_000, 50_000), "has more than 100,000,000 pixels"),
        (png(50_000, 50_000) + b"trailer", "has more than 100,000,000 pixels"),
        (jpeg()[:-2], CUT_JPEG),
        (b"\xff\xd8\xff", CUT_JPEG),
        (PHOTO[:-2], CUT_JPEG),
        (PHOTO[: len(THUMBNAIL) + 2], CUT_JPEG),
        (jpeg(60_000, 60_000), "has more than 100,000,000 pixels"),
        (b"\xff\xd8\xff\0\0" + jpeg(60_000, 60_000)[2:], "has more than 100,000,000 pixels"),
        (b"\xff\xd8" + THUMBNAIL + jpeg(60_000, 60_000)[2:] + b"trailer", "has more than 100,000,000 pixels"),
    ],
)
def test_what_is_no_whole_report_is_refused(
    engine: APIClient, order: Order, folder: Path, content: bytes, reason: str
) -> None:
    answer = upload(engine, order, content)
    errors = [{"code": "invalid", "message": f"The file {reason}. {FILE_ADVICE}", "field": "file"}]
    assert (answer.status_code, answer.json()["errors"]) == (422, errors)
    assert (stored(folder), Attachment.objects.count()) == ([], 0)


MIME_HEAD = b"MIME-Version: 1.0\r\nContent-Type: application/pdf\r\n".ljust(200, b"-") + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"\xef\xbb\xbf" + PDF, "application/pdf"),
        (b"\n" + PDF, "application/pdf"),
        (b"\r\n\r\n" + PDF, "application/pdf"),
        (MIME_HEAD + PDF, "application/pdf"),
        (b" " * 1019 + PDF, "application/pdf"),
        (PDF + b"\0" * 2000, "application/pdf"),
        (PDF + b"<!-- served in 12 ms -->" * 100, "application/pdf"),
        (PDF + b"\r\n--boundary--\r\n", "application/pdf"),
        (LINEARIZED, "application/pdf"),
        (LINEARIZED + b"x" * 5000, "application/pdf"),
        (PHOTO, "image/jpeg"),
        (PHOTO + b"\0\0\0\x18ftypmp42" + b"video" * 1000, "image/jpeg"),
        (jpeg() + b"text behind it", "image/jpeg"),
        (jpeg() + jpeg(100, 100)[:-2], "image/jpeg"),
        (b"\xff\xd8\xff\xff\xff" + jpeg()[3:], "image/jpeg"),
        (png() + b"bytes behind it", "image/png"),
        (png() + png(2, 2)[:-4], "image/png"),
        (png() + b"\0" * 3000, "image/png"),
    ],
)
def test_report_that_readers_open_is_accepted_as_it_came(
    engine: APIClient, order: Order, client: Client, content: bytes, content_type: str
) -> None:
    answer = upload(engine, order, content)
    assert answer.status_code == 201
    served = client.get(local(answer.json()["url"]))
    assert (served["Content-Type"], served.content) == (content_type, content)


def test_file_that_is_too_large_is_413(engine: APIClient, order: Order, folder: Path) -> None:
    body = PDF[:-6] + b"\n" * (files.MAX_SIZE - len(PDF)) + b"%%EOF\n"
    assert len(body) == files.MAX_SIZE
    assert upload(engine, order, body).status_code == 201
    answer = upload(engine, order, b"%" + body)
    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")
    assert upload(engine, order, body + body).status_code == 413
    assert len(stored(folder)) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "type url"),
        ({"type": "EXE", "url": "https://e.example/"}, "type"),
        ({"type": "PDF_URL", "url": "http://10.0.0.1/"}, "url"),
        ({"type": "PDF_URL", "url": "javascript:alert(1)"}, "url"),
        ({"type": "PDF_URL", "url": 5}, "url"),
        ({"type": "PDF_URL", "url": "https://e.example/" + "x" * 2000}, "url"),
        ({"type": "PDF_URL", "url": "https://e.example/", "assessment_id": "nothing"}, "assessment_id"),
        ({"type": "PDF_URL", "url": "https://e.example/", "name": 1}, "name"),
        ({"type": "PDF_URL", "url": "https://e.example/", "size": 1}, "size"),
        ({"type": "PDF_URL", "url": "https://e.example/", "file": "x"}, "file"),
    ],
)
def test_wrong_address_is_refused(engine: APIClient, order: Order, body: dict[str, Any], field: str) -> None:
    answer = engine.post(url(order), body)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, field.split())


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "file"),
        ({"file": "text"}, "file"),
        ({"file": PDF, "type": "PDF_URL"}, "type"),
        ({"file": PDF, "assessment_id": "nothing"}, "assessment_id"),
        ({"file": PDF, "name": "x" * 201}, "name"),
        ({"file": PDF, "name": ["a", "b"]}, "name"),
    ],
)
def test_wrong_form_is_refused(engine: APIClient, order: Order, form: dict[str, Any], field: str) -> None:
    if isinstance(form.get("file"), bytes):
        form = form | {"file": BytesIO(form["file"])}
        form["file"].name = "x.pdf"
    answer = engine.post(url(order), form, format="multipart")
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
    assert Attachment.objects.count() == 0


ENCODED = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="r.pdf"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\n%PDF-1.7\r\n--x--\r\n"
)
MULTIPART = "multipart/form-data"


@pytest.mark.parametrize(
    ("body", "kind", "status", "says"),
    [
        (b"x", MULTIPART, 400, UNREADABLE_FORM),
        (b"x", f"{MULTIPART}; boundary=", 400, UNREADABLE_FORM),
        (b"x", f"{MULTIPART}; boundary={'x' * 300}", 400, UNREADABLE_FORM),
        (b"x", f"{MULTIPART}; boundary=\xe9", 400, UNREADABLE_FORM),
        (b"x", f"{MULTIPART}; boundary=x; charset=hex", 400, UNREADABLE_FORM),
        (ENCODED, f"{MULTIPART}; boundary=x", 400, UNREADABLE_FORM),
        (b"x", "multipart/mixed; boundary=x", 415, f"Send application/json or {MULTIPART}."),
        (b"x", "text/plain", 415, f"Send application/json or {MULTIPART}."),
    ],
)
def test_broken_body_is_refused(
    engine: APIClient, order: Order, body: bytes, kind: str, status: int, says: str
) -> None:
    answer = engine.generic("POST", url(order), body, kind)
    assert (answer.status_code, answer.json()["detail"]) == (status, says)


def part(disposition: bytes, kind: str = "application/pdf", content: bytes = PDF) -> bytes:
    head = b"--x\r\nContent-Disposition: " + disposition + b"\r\nContent-Type: " + kind.encode()
    return head + b"\r\n\r\n" + content + b"\r\n--x--\r\n"


@pytest.mark.parametrize("kind", ["Multipart/Form-Data; boundary=x", 'MULTIPART/FORM-DATA;BOUNDARY="x"'])
def test_kind_of_a_form_is_read_in_any_case(engine: APIClient, order: Order, kind: str) -> None:
    body = part(b'form-data; name="file"; filename="r.pdf"')
    answer: Any = engine.generic("POST", url(order), body, kind)
    assert (answer.status_code, answer.json()["name"]) == (201, "r.pdf")


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b'form-data; name="file"; filename="../../../etc/passwd"', "passwd.pdf"),
        (b'form-data; name="file"; filename="C:\\x\\con"', "con.pdf"),
        (b'form-data; name="file"; filename="a\0b.pdf"', "ab.pdf"),
        ('form-data; name="file"; filename="a\u202efdp.exe\u2066"'.encode(), "afdp.exe.pdf"),
        (b"form-data; name=file; filename*=utf-8''a%0d%0aX-A:%20b.pdf", "aX-A: b.pdf"),
        (b"form-data; name=file; filename*=hex''%ff", "ÿ.pdf"),
        (b"form-data; name=file; filename*=klingon''%ff", None),
        (b"form-data; name*=klingon''file; filename=r.pdf", None),
        (b'form-data; name="file"; filename="\xff.pdf"', None),
    ],
)
def test_odd_name_of_a_file_is_made_plain_or_refused(
    engine: APIClient, order: Order, disposition: bytes, name: str | None
) -> None:
    answer: Any = engine.generic("POST", url(order), part(disposition), f"{MULTIPART}; boundary=x")
    assert (answer.status_code, answer.json().get("name")) == (201 if name else 422, name)


@pytest.mark.parametrize(
    "body",
    [
        part(b'form-data; name="file"; filename="\xff.pdf"'),
        part('form-data; name="file"; filename="Prüfung.pdf"'.encode("latin-1")),
        part('FORM-DATA; name=file; filename="résumé.pdf"'.encode("cp1252"), content=b"x" * 200_000),
        part('form-data; name="file"; filename="検査.pdf"'.encode("shift-jis")),
        # The head of the second part begins in one chunk of 64 KB and ends in the next.
        part(b'form-data; name="name"', "text/plain", b"n" * (64 * 1024 - 160))[:-7]
        + part(b'form-data; name="file"; filename="' + b"x" * 80 + b'\xe9.pdf"'),
    ],
)
def test_head_of_a_part_that_is_not_utf8_is_named(engine: APIClient, order: Order, body: bytes) -> None:
    answer: Any = engine.generic("POST", url(order), body, f"{MULTIPART}; boundary=x")
    errors = [{"code": "invalid", "message": HEAD_NOT_UTF8, "field": "file"}]
    assert (answer.status_code, answer.json()["errors"]) == (422, errors)


def test_file_that_contains_such_a_head_is_accepted(engine: APIClient, order: Order) -> None:
    content = PDF + part(b'form-data; name="file"; filename="\xff.pdf"').replace(b"--x", b"--y")
    body = part('form-data; name="file"; filename="Prüfung.pdf"'.encode(), content=content)
    answer: Any = engine.generic("POST", url(order), body, f"{MULTIPART}; boundary=x")
    assert (answer.status_code, answer.json()["name"]) == (201, "Prüfung.pdf")


def test_order_has_at_most_a_hundred_attachments(engine: APIClient, order: Order, folder: Path) -> None:
    for number in range(100):
        Attachment.objects.create(order=order, type="PDF_URL", digest=str(number), external_url="https://e.example/")
    assert upload(engine, order).status_code == 422
    assert stored(folder) == []


def test_full_disk_is_503_and_leaves_nothing(
    engine: APIClient, order: Order, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert upload(engine, order).status_code == 503
    assert (stored(folder), Attachment.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../app/settings.py", "settings.py.pdf"),
        ("C:\\x\\evil.PDF", "evil.PDF"),
        (".htaccess", "htaccess.pdf"),
        ("a\r\nX: y.pdf", "aX: y.pdf"),
        ("\u202efdp.exe", "fdp.exe.pdf"),
        ("Zeugnis für Zoë.pdf", "Zeugnis für Zoë.pdf"),
        ("", "report.pdf"),
        ("x" * 300, "x" * 190 + ".pdf"),
    ],
)
def test_name_to_download_by_is_a_plain_one(name: str, shown: str) -> None:
    assert files.sanitize_name(name, "application/pdf") == shown


# Serving


def test_report_is_served_as_a_download_and_counted(engine: APIClient, order: Order, client: Client) -> None:
    link = local(upload(engine, order, filename="Zeugnis für Zoë.pdf").json()["url"])
    assert client.head(link).status_code == 200
    answer = client.get(link)
    assert (answer.status_code, answer.content) == (200, PDF)
    wanted = {
        "Content-Type": "application/pdf",
        "Content-Disposition": "attachment; filename*=utf-8''Zeugnis%20f%C3%BCr%20Zo%C3%AB.pdf",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "no-store, private",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
    }
    assert {name: answer[name] for name in wanted} == wanted
    assert Attachment.objects.get().opened_count == 1


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_damaged_report_is_never_served(
    engine: APIClient, order: Order, client: Client, folder: Path, damage: str
) -> None:
    link = local(upload(engine, order).json()["url"])
    [path] = stored(folder)
    if damage == "changed":
        path.write_bytes(PDF.replace(b"1.4", b"1.5"))
    else:
        path.unlink()
    answer = client.get(link)
    assert (answer.status_code, b"%PDF" in answer.content, Attachment.objects.get().opened_count) == (404, False, 0)


def test_report_of_an_unknown_link_or_an_erased_order_is_not_found(
    engine: APIClient, order: Order, client: Client
) -> None:
    link = local(upload(engine, order).json()["url"])
    wrong = link[:-1] + ("A" if link[-1] != "A" else "B")
    assert [client.get(address).status_code for address in (wrong, "/files/x", "/files/")] == [404] * 3
    assert client.get(f"/media/{Attachment.objects.get().file}").status_code == 404
    assert client.post(link).status_code == 405
    Order.objects.update(erased_at=timezone.now())
    assert client.get(link).status_code == 404
