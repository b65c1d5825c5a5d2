"""A browser's side of the HTTP API, for tests: a signed-in client, and short ways to get projects, images and masks."""

import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from backend.app import create_app
from backend.runtime import Runtime
from backend.services import accounts
from segmenter import masks
from tests import make, pictures

ORIGIN = "http://127.0.0.1:8600"


class Browser(TestClient):
    """Sends what a browser's own page sends. The application turns unforeseen errors into a 500, as it does in life."""

    def __init__(self, runtime: Runtime, **options: Any) -> None:
        super().__init__(create_app(runtime), base_url=ORIGIN, follow_redirects=False, **options)
        self.runtime = runtime

    def sign_in(self) -> None:
        with self.runtime.write() as uow:
            token = accounts.issue_login(uow)
        answer = self.get("/login", params={"token": token})
        assert answer.status_code == 303, answer.text

    def new_project(self, name: str = "Streets") -> str:
        answer = self.post("/api/projects", json={"name": name})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def upload(self, project_id: str, **files: bytes) -> dict[str, Any]:
        """Upload under the names given; `_` before the suffix stands for a dot."""
        parts = [("files", (name.replace("_", "."), content)) for name, content in files.items()]
        answer = self.post(f"/api/projects/{project_id}/images", files=parts)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def new_image(self, project_id: str, seed: int = 0) -> dict[str, Any]:
        """A ready image of 40 x 60 pixels, read by a real `ingest` job."""
        accepted = self.upload(project_id, **{f"picture{seed}_png": pictures.png(seed)})["accepted"]
        make.work_off(self.runtime)
        return dict(self.get(f"/api/images/{accepted[0]['id']}").json())


def mask(top: int = 5, left: int = 10, height: int = 8, width: int = 12) -> Any:
    """A filled box as a boolean mask of the pictures' size."""
    pixels = np.zeros((pictures.HEIGHT, pictures.WIDTH), np.bool_)
    pixels[top : top + height, left : left + width] = True
    return pixels


def draft(pixels: Any = None, **fields: Any) -> dict[str, Any]:
    """What the page sends to save a mask."""
    rle = masks.encode(mask() if pixels is None else pixels)
    body = {"id": str(uuid.uuid4()), "size": rle["size"], "counts": rle["counts"], "source": "click"}
    prompts = [{"kind": "point", "x": 12.5, "y": 7.0, "label": 1, "at_ms": 0.0}]
    return {**body, "prompts": prompts, "chosen_candidate": 2, "predicted_iou": 0.91, **fields}


@pytest.fixture
def browser(runtime: Runtime) -> Iterator[Browser]:
    """Signed in."""
    with Browser(runtime) as client:
        client.sign_in()
        yield client


@pytest.fixture
def stranger(runtime: Runtime) -> Iterator[Browser]:
    """Not signed in."""
    with Browser(runtime) as client:
        yield client
