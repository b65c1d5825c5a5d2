"""Pictures that exhaust or kill what decodes them fail alone, with a reason; the worker and the others go on."""

import io
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from sqlalchemy import select

from backend.db.models import Image, Job
from backend.runtime import Runtime
from backend.services import accounts, projects
from backend.services import images as image_rows
from backend.settings import Settings
from tests import make, pictures
from tests.faults import rig

# A new child needs half a second on an idle machine; the slow picture needs some twenty.
SECONDS = 6.0


@pytest.fixture
def runtime(settings: Settings) -> Iterator[Runtime]:
    """Little memory, and time enough on any machine."""
    yield from limited_to(settings, decode_memory_bytes=400 * 1024**2, decode_seconds=120.0)


@pytest.fixture
def hasty(settings: Settings) -> Iterator[Runtime]:
    """Little time, and memory enough."""
    yield from limited_to(settings, decode_memory_bytes=3 * 1024**3, decode_seconds=SECONDS)


def limited_to(settings: Settings, **limits: float) -> Iterator[Runtime]:
    made = Runtime.from_settings(settings.model_copy(update=limits), send=lambda wakes: None)
    yield made
    made.close()


def bomb() -> bytes:
    """98 million pixels in half a megabyte: within the limits of size, far beyond those of memory."""
    out = io.BytesIO()
    Picture.new("RGBA", (9900, 9900)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def slow() -> bytes:
    """A lossless picture of floats: decoding, scaling and encoding it again takes long."""
    noise = np.random.default_rng(0).random((6000, 6000), dtype=np.float32)
    out = io.BytesIO()
    Picture.fromarray(noise).save(out, "TIFF")
    return out.getvalue()


def upload(runtime: Runtime, folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    with runtime.write() as uow:
        actor, project = accounts.owner(uow), projects.create(uow, "Hostile")
    incoming = []
    for name, content in files.items():
        (folder / name).write_bytes(content)
        incoming.append(image_rows.LocalFile(name, folder / name, 10**9))
    assert image_rows.take(runtime, project.id, actor.id, incoming).refused == []


def outcomes(runtime: Runtime) -> dict[str, tuple[str, str | None]]:
    """(state, reason) by the name of the file."""
    with runtime.read() as session:
        return {image.file_name: (image.state, image.failure) for image in session.scalars(select(Image))}


def test_each_fails_alone_and_says_why(runtime: Runtime, tmp_path: Path) -> None:
    whole = pictures.encoded(pictures.scene(), "TIFF")
    files = {
        "1-good.png": pictures.png(1),
        "2-bomb.png": bomb(),
        "3-good.jpg": pictures.jpeg(3),
        "4-cut.tif": whole[: len(whole) * 2 // 3],
        "5-good.png": pictures.png(5),
    }
    upload(runtime, tmp_path / "files", files)
    assert make.work_off(runtime) == {"done": 5}
    assert outcomes(runtime) == {
        "1-good.png": ("ready", None),
        "2-bomb.png": ("failed", "Reading the image needs more memory than the 400 MiB allowed for it."),
        "3-good.jpg": ("ready", None),
        "4-cut.tif": ("failed", "The file is cut off: it ends before the picture does."),
        "5-good.png": ("ready", None),
    }
    with runtime.read() as session:
        assert {job.attempts for job in session.scalars(select(Job))} == {1}


def test_a_slow_one_fails_alone_and_says_why(hasty: Runtime, tmp_path: Path) -> None:
    upload(hasty, tmp_path / "files", {"1-slow.tif": slow(), "2-good.png": pictures.png(2)})
    assert make.work_off(hasty) == {"done": 2}
    assert outcomes(hasty) == {
        "1-slow.tif": ("failed", "Reading the image takes longer than the 6 s allowed for it."),
        "2-good.png": ("ready", None),
    }


def test_a_child_that_somebody_ends_costs_no_picture(runtime: Runtime, tmp_path: Path) -> None:
    upload(runtime, tmp_path / "first", {"one.png": pictures.png(1)})
    make.work_off(runtime)
    (child,) = children()
    os.kill(child, signal.SIGSTOP)
    ended = threading.Timer(0.3, os.kill, (child, signal.SIGKILL))
    ended.start()
    upload(runtime, tmp_path / "second", {"two.png": pictures.png(2)})
    assert make.work_off(runtime) == {"done": 1}
    ended.join()
    assert outcomes(runtime)["two.png"] == ("ready", None)
    (another,) = children()
    assert another != child


def test_the_child_ends_with_the_program(settings: Settings, tmp_path: Path) -> None:
    runtime = Runtime.from_settings(settings, send=lambda wakes: None)
    upload(runtime, tmp_path / "files", {"one.png": pictures.png(1)})
    make.work_off(runtime)
    assert len(children()) == 1
    runtime.close()
    assert children() == []


def children() -> list[int]:
    """The limited children of this process."""
    return [child for child, command in rig.children(os.getpid()).items() if "backend.decoder" in command]
