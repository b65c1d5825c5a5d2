"""Real photographs for the end-to-end tests: with human masks from ../shared/data where it is, else scikit-image's."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from PIL import Image

from segmenter import masks
from segmenter.prompts import Bitmap, centre_point

SHARED = Path(os.environ.get("MASKMILL_TEST_IMAGES") or Path(__file__).parents[3] / "shared" / "data")
FALLBACK = (
    f"No photographs with human masks at {SHARED}: scikit-image's photographs were used instead, and nobody clicked on"
    " the 20 known objects. MASKMILL_TEST_IMAGES names another folder."
)
# Sets of the evaluation split whose masks are things with a name, and how many objects of each are clicked on.
NAMED = {"ecssd/dev": 8, "coco128/dev": 6, "ccp/dev": 6}
LEAST_SHARE = 0.02  # of the image; smaller things are beside the point of this test


@dataclass(frozen=True)
class Photograph:
    """A file and points (x, y) on things to be seen in it."""

    path: Path
    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class KnownObject:
    """A thing that a person outlined: `name` says which, `truth` is the mask."""

    name: str
    path: Path
    truth: Bitmap


def have_shared() -> bool:
    return (SHARED / "splits.json").is_file()


def photographs(folder: Path) -> list[Photograph]:
    """Three photographs with two points each; `folder` takes the files of scikit-image where they are needed."""
    if not have_shared():
        return _skimage_photographs(folder)
    found = []
    for name in ("coco128/dev", "ccp/dev", "ecssd/dev"):
        path, annotations = next(
            (path, large) for path, some in _evaluated(name) if len(large := [a for a in some if _share(a) > 0.03]) >= 1
        )
        points = [centre_point(_truth(annotation)) for annotation in (annotations * 2)[:2]]
        found.append(Photograph(path, tuple(points)))
    return found


def known_objects() -> list[KnownObject]:
    """The 20: of the first images of each set's evaluation split, in the order of their names, the largest mask."""
    found = []
    for name, wanted in NAMED.items():
        large = ((path, max(some, key=_share)) for path, some in _evaluated(name) if some)
        objects = [
            KnownObject(
                f"{name}/{path.name}#{annotation['id']} {annotation.get('label', 'object')}", path, _truth(annotation)
            )
            for path, annotation in large
            if LEAST_SHARE <= _share(annotation) <= 0.8
        ]
        found += objects[:wanted]
    return found


def _evaluated(name: str) -> list[tuple[Path, list[dict[str, Any]]]]:
    kept_aside = set(json.loads((SHARED / "splits.json").read_text())["evaluate"][name])
    content = json.loads((SHARED / name / "annotations.json").read_text())
    of_image: dict[int, list[dict[str, Any]]] = {}
    for annotation in content["annotations"]:
        of_image.setdefault(annotation["image_id"], []).append(annotation)
    images = sorted(
        (image["file_name"], image["id"]) for image in content["images"] if image["file_name"] in kept_aside
    )
    return [(SHARED / name / "images" / file_name, of_image.get(key, [])) for file_name, key in images]


def _share(annotation: dict[str, Any]) -> float:
    height, width = annotation["segmentation"]["size"]
    return float(annotation["area"]) / (height * width)


def _truth(annotation: dict[str, Any]) -> Bitmap:
    segmentation = annotation["segmentation"]
    return np.asarray(masks.decode(segmentation, tuple(segmentation["size"])))


def _skimage_photographs(folder: Path) -> list[Photograph]:
    chosen = {
        "astronaut": ((220, 110), (60, 300)),
        "chelsea": ((230, 150), (30, 30)),
        "coffee": ((330, 160), (80, 320)),
    }
    found = []
    for name, points in chosen.items():
        path = folder / f"{name}.png"
        Image.fromarray(getattr(skimage.data, name)()).save(path)
        found.append(Photograph(path, points))
    return found
