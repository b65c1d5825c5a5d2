"""A full disk: every change is refused by its name, nothing that was saved is lost, and with room again all goes on."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from backend.runtime import Runtime
from backend.settings import Settings
from tests import pictures
from tests.web import Browser, draft, mask

DISK_BYTES = 16 * 1024**2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root on Linux can make a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def runtime(small_disk: Path, sqlite_template: Path) -> Iterator[Runtime]:
    shutil.copyfile(sqlite_template, small_disk / "maskmill.db")
    made = Runtime.from_settings(Settings(data_dir=small_disk), send=lambda wakes: None)
    yield made
    made.close()


@pytest.fixture
def browser(runtime: Runtime) -> Iterator[Browser]:
    with Browser(runtime) as client:
        client.sign_in()
        yield client


def fill(disk: Path) -> Path:
    """A file that takes all the room there is."""
    path = disk / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
    return path


def test_a_full_disk_refuses_changes_and_loses_nothing(browser: Browser, small_disk: Path) -> None:
    project_id = browser.new_project()
    image = browser.new_image(project_id)
    masks = f"/api/images/{image['id']}/annotations"
    saved = browser.post(masks, json=draft()).json()
    second, noise = draft(mask(left=30)), pictures.png(7, 300, 300)

    filler = fill(small_disk)
    for _ in range(3):
        answer = browser.post(masks, json=second)
        assert (answer.status_code, answer.json()["error"]) == (507, "disk_full"), answer.text
        assert "Retry-After" not in answer.headers
        answer = browser.post(f"/api/projects/{project_id}/images", files=[("files", ("late.png", noise))])
        assert (answer.status_code, answer.json()["error"]) == (507, "disk_full"), answer.text
    assert [one["id"] for one in browser.get(masks).json()["annotations"]] == [saved["id"]]
    assert browser.get(f"/api/images/{image['id']}/pixels").status_code == 200

    filler.unlink()
    assert browser.post(masks, json=second).status_code == 201
    assert browser.upload(project_id, late_png=noise)["accepted"]
    assert {one["id"] for one in browser.get(masks).json()["annotations"]} == {saved["id"], second["id"]}
    with browser.runtime.read() as session:
        assert session.scalar(text("PRAGMA integrity_check")) == "ok"
