"""Orphaned files of a crashed process."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from integrations.models import Connection
from orders import attachments, files
from orders.tasks import tidy
from tests.orders import bodies
from tests.orders.privacy.test_erasure import bodies_pdf

pytestmark = pytest.mark.django_db
LONG_AGO = time.time() - 2 * files.ORPHAN_GRACE_SECONDS


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.PORTAL_DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "files"
    return tmp_path / "files"


def age(folder: Path) -> None:
    for path in folder.iterdir():
        os.utime(path, (LONG_AGO, LONG_AGO))


def test_old_files_without_a_row_go_and_others_stay(package: Any, connection: Connection, folder: Path) -> None:
    order = bodies.place_order(connection)
    kept, _ = attachments.add_file(order.pk, bodies_pdf(), by="engine")
    files.store(b"a process died before it wrote the row")
    (folder / f".{'a' * 48}.part").write_bytes(b"and another one in the middle of the file")
    (folder / "README").write_text("nothing of ours")
    age(folder)
    young = files.store(b"its row is being written")
    tidy()
    assert {path.name for path in folder.iterdir()} == {kept.file, young, "README"}
    assert files.read(kept) == bodies_pdf()


def test_sweep_looks_at_thousands_of_files(folder: Path) -> None:
    folder.mkdir()
    for number in range(1201):
        (folder / f"{number:048x}").touch()
    age(folder)
    assert (files.delete_orphans(), list(folder.iterdir())) == (1201, [])


def test_sweep_without_a_folder_is_content() -> None:
    assert files.delete_orphans() == 0
