"""The golden files that the reference wrote: tests/golden/sam is committed, pictures and large files are not."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike
from PIL import Image

from segmenter.config import ModelConfig, SamConfig

COMMITTED = Path(__file__).parents[1] / "golden"
SHARED = Path(__file__).parents[3] / "shared" / "golden"
SMALL = ModelConfig("sam", 256, 64, sam=SamConfig(96, 4, 3, (1, 3), window_size=5))  # the golden files' small model


@cache
def read(name: str) -> Any:
    """A committed golden JSON file."""
    return json.loads((COMMITTED / name).read_text(encoding="utf-8"))


def shared(name: str) -> Path:
    """A golden file beside the checkout; the test is skipped where that folder is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"no {path}: the large golden files are not part of the repository")
    return path


def synthetic() -> np.ndarray:
    """The image `synth` by the golden files' rule: texture, three discs, two rectangles; uint8 180 x 240 x 3."""
    y, x, c = np.meshgrid(np.arange(180), np.arange(240), np.arange(3), indexing="ij")
    rgb = 64 + ((3 + c) * x + (5 - c) * y + (x * y) // (17 + 4 * c)) % 128
    for cx, cy, r, colour in [
        (60, 50, 34, (220, 40, 30)),
        (170, 120, 45, (30, 160, 210)),
        (120, 95, 14, (250, 240, 60)),
    ]:
        inside = (x[..., 0] - cx) ** 2 + (y[..., 0] - cy) ** 2 <= r * r
        rgb[inside] = colour
    rgb[110:166, 10:81] = (40, 200, 70)
    rgb[15:61, 180:226] = (120, 60, 180)
    return rgb.astype(np.uint8)


def picture(name: str) -> np.ndarray:
    """A golden image as uint8 H x W x 3; photographs are beside the checkout."""
    if name == "synth":
        return synthetic()
    with Image.open(shared(f"images/{name}.png")) as file:
        return np.array(file.convert("RGB"))


def near(ours: ArrayLike, theirs: np.ndarray, limit: float, rms: float | None = None) -> None:
    """Asserts equal shapes and differences within the limits."""
    difference = np.abs(np.asarray(ours, np.float64) - theirs)
    assert difference.shape == theirs.shape
    assert difference.max(initial=0) <= limit
    assert rms is None or np.sqrt((difference**2).mean()) <= rms
