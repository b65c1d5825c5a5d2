"""Image folders in COCO's format, as training and evaluation read them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter import masks


def dataset_name(annotations: Mapping[str, Any], folder: Path) -> str:
    """A set's name: ``info.dataset/info.split``, else the folder's."""
    info = annotations.get("info", {})
    return f"{info['dataset']}/{info['split']}" if "dataset" in info and "split" in info else folder.name


def find_coco_folders(roots: Sequence[Path]) -> list[Path]:
    """Every folder at or below the roots that holds ``annotations.json`` beside ``images/``, sorted.

    Raises FileNotFoundError for the roots that hold none: one that was mistyped is not skipped in silence.
    """
    found = {
        root: [file.parent for file in root.rglob("annotations.json") if (file.parent / "images").is_dir()]
        for root in roots
    }
    if empty := [str(root) for root, folders in found.items() if not folders]:
        raise FileNotFoundError(f"no COCO folder (annotations.json beside images/) under {', '.join(empty)}")
    return sorted({folder for folders in found.values() for folder in folders})


def read_split(file: Path | None, part: str) -> dict[str, set[str]] | None:
    """The file names per set that a split file names under ``part``; ``None`` without a file: everything.

    Raises ValueError for a file that is not such a table.
    """
    if file is None:
        return None
    parts = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(parts, dict) or not isinstance(parts.get(part), dict):
        raise ValueError(f"{file} names no images under {part!r}")
    return {name: set(files) for name, files in parts[part].items()}


def coco_records(
    folder: Path, split: dict[str, set[str]] | None
) -> Iterator[tuple[str, dict[str, Any], Path, list[dict[str, Any]]]]:
    """The images of one folder in file order that a split admits: set name, the file's record, path, annotations."""
    content = json.loads((folder / "annotations.json").read_text())
    name = dataset_name(content, folder)
    by_image: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for annotation in content["annotations"]:
        by_image[annotation["image_id"]].append(annotation)
    for image in content["images"]:
        if split is None or image["file_name"] in split.get(name, ()):
            yield name, image, folder / "images" / image["file_name"], by_image[image["id"]]


def coco_images(folder: Path, split: dict[str, set[str]] | None) -> Iterator[tuple[str, Path, list[dict[str, Any]]]]:
    """:func:`coco_records` without the records: set name, path, annotations."""
    for name, _, path, labelled in coco_records(folder, split):
        yield name, path, labelled


def read_picture(path: Path) -> NDArray[np.uint8]:
    """An image file as upright RGB uint8."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{path} is not a readable image")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def annotation_mask(annotation: Mapping[str, Any]) -> NDArray[np.bool_]:
    """The decoded mask of one COCO annotation with compressed RLE."""
    rle = annotation["segmentation"]
    return masks.decode(rle, tuple(rle["size"]))
