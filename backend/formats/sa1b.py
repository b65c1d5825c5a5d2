"""SA-1B's JSON, one file an image: a streaming writer and a strict reader (sam.md section 5.1).

    {"image": {"image_id", "width", "height", "file_name"}, "annotations": [{"id", "segmentation", "bbox", "area",
     "predicted_iou", "stability_score", "crop_box", "point_coords"}, ...]}

Masks are compressed run-length encodings, boxes x, y, width, height in pixels. ``parent_id``, the id of the mask that
this one is part of, and ``depth``, how many steps it is from there to a whole, are additions of ours that other readers
pass over. A whole has the parent null and the depth 0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from backend.errors import Invalid
from segmenter import masks

MAX_JSON_BYTES = 1 << 30
FIELDS = ("id", "segmentation", "bbox", "area", "predicted_iou", "stability_score", "crop_box", "point_coords")
TREE_FIELDS = ("parent_id", "depth")
IMAGE_FIELDS = ("image_id", "width", "height", "file_name")


class Sink(Protocol):
    """Where bytes go."""

    def write(self, chunk: bytes, /) -> int: ...


@dataclass(frozen=True)
class Sa1bImage:
    """What a file says of its image."""

    image_id: int
    width: int
    height: int
    file_name: str


def write_image(out: Sink, image: Sa1bImage, annotations: Iterable[Mapping[str, Any]]) -> int:
    """Write annotations as they come, numbered 1, 2, ...; returns how many.

    Each has the fields of the format but for ``id``. A number that is not finite is a ``ValueError``.
    """
    described = {name: getattr(image, name) for name in IMAGE_FIELDS}
    out.write(b'{"image":' + _text(described) + b',"annotations":[')
    number = 0
    for number, annotation in enumerate(annotations, 1):
        out.write((b",\n" if number > 1 else b"\n") + _text({"id": number} | dict(annotation)))
    out.write(b"\n]}\n")
    return number


def read_image(path: Path) -> tuple[Sa1bImage, list[dict[str, Any]]]:
    """The image and its annotations; raises Invalid for whatever is not whole and exactly of this format.

    Every mask is decoded once: it fits the image, and area and number agree with it.
    """
    if path.stat().st_size > MAX_JSON_BYTES:
        raise _bad(path, "it is larger than 1 GiB")
    try:
        document = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
        image = _image(document["image"])
        annotations = list(_annotations(document["annotations"], image))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise _bad(path, f"{type(error).__name__}: {error}") from error
    return image, annotations


def _text(element: Any) -> bytes:
    return json.dumps(element, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


def _bad(path: Path, reason: str) -> Invalid:
    return Invalid(f"{path.name} is no SA-1B file: {reason}", code="bad_dataset")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _image(values: Any) -> Sa1bImage:
    image = Sa1bImage(*(values[name] for name in IMAGE_FIELDS))
    sides = (image.width, image.height)
    if any(type(number) is not int for number in (image.image_id, *sides)) or not isinstance(image.file_name, str):
        raise ValueError("image_id, width and height must be integers, file_name text")
    if min(sides) < 1:
        raise ValueError(f"no image is {image.width} x {image.height}")
    return image


def _annotations(values: Any, image: Sa1bImage) -> Iterator[dict[str, Any]]:
    if not isinstance(values, list):
        raise ValueError("annotations must be a list")
    ids = set()
    for value in values:
        annotation = {name: value[name] for name in FIELDS}
        _check(annotation, (image.height, image.width))
        annotation |= {name: value[name] for name in TREE_FIELDS if name in value}
        ids.add(annotation["id"])
        yield annotation
    if len(ids) != len(values) or any(value.get("parent_id") not in {None, *ids} for value in values):
        raise ValueError("ids must differ, and a parent_id must be one of them")
    if any(type(depth) is not int or depth < 0 for depth in (value.get("depth", 0) for value in values)):
        raise ValueError("a depth is 0, 1, 2, ...")


def _check(annotation: Mapping[str, Any], size: masks.Size) -> None:
    segmentation = annotation["segmentation"]
    runs = masks.parse(segmentation["size"], segmentation["counts"], size)
    if annotation["area"] != masks.area(runs) or type(annotation["id"]) is not int:
        raise ValueError(f"area {annotation['area']} or id {annotation['id']!r} does not fit the mask")
    numbers = [annotation["predicted_iou"], annotation["stability_score"], *annotation["bbox"], *annotation["crop_box"]]
    points = annotation["point_coords"]
    if len(numbers) != 10 or not points or any(len(point) != 2 for point in points):
        raise ValueError("bbox and crop_box have four numbers each, every point two")
    for number in (*numbers, *(value for point in points for value in point)):
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise ValueError(f"{number!r} is not a number")
