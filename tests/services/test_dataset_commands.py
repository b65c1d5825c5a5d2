"""`maskmill import`, `export` and `demo` as programs of their own."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests import pictures, releases


def maskmill(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    release = releases.write_tiny_release(data.parent / "release")
    command = [sys.executable, "-m", "backend.main", *arguments, "--data", str(data)]
    environment = {"MASKMILL_RELEASE_DIR": str(release), "PATH": "/usr/bin:/bin", "HOME": str(data.parent)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)


@pytest.mark.slow
def test_images_go_in_and_come_out(tmp_path: Path) -> None:
    folder, data = tmp_path / "photos", tmp_path / "data"
    folder.mkdir()
    (folder / "a.png").write_bytes(pictures.png(1))
    (folder / "b.png").write_bytes(b"broken")
    done = maskmill(data, "import", "Photos", str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 images, 0 annotations imported")
    assert "left out: b.png" in done.stderr
    document, archive = tmp_path / "out.json", tmp_path / "out.zip"
    assert maskmill(data, "export", "Photos", "--out", str(document)).returncode == 0
    assert set(json.loads(document.read_text())) == {"info", "licenses", "categories", "images", "annotations"}
    assert maskmill(data, "export", "Photos", "--format", "coco-rle", "--out", str(archive)).returncode == 0
    assert zipfile.ZipFile(archive).namelist()[0] == "annotations.json"
    unknown = maskmill(data, "export", "Nothing", "--out", str(document))
    assert (unknown.returncode, unknown.stderr) == (1, "maskmill: There is no project 'Nothing'.\n")
    assert maskmill(data, "export", "Photos", "--out", "x.txt").returncode == 2
    assert maskmill(data, "export", "Photos", "--format", "yolo", "--out", "x.zip").returncode == 2
    assert maskmill(data, "import", "Photos", str(folder / "b.png")).returncode == 1
