"""Data sets as their authors publish them, made into the COCO folders that everything here reads.

A layout yields, image by image, a file below the folder of pictures with its masks. Nothing is copied: ``images`` of
the new folder is a link to the pictures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter import masks
from segmenter.data import read_picture
from segmenter.evaluate.datasets import Layout, PublishedSet
from segmenter.masks import Rle, Size
from segmenter.polygons import counts_of

_SAID: Final[tuple[str, ...]] = (
    "category_id",
    "iscrowd",
    "area",
)  # by COCO files of a mask; their area decides what is small
PICTURES: Final = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")


@dataclass(frozen=True)
class Marked:
    """An image: its file below the folder of pictures, its size, its masks with what is said of each, and of itself."""

    file_name: str
    size: Size
    masks: tuple[tuple[Rle, Mapping[str, Any]], ...]
    record: Mapping[str, Any] = field(default_factory=dict)


def prepare(
    one: PublishedSet,
    images: Path,
    annotations: Path,
    out: Path,
    layout: Layout | None = None,
    background: Sequence[int] = (0,),
) -> dict[str, int]:
    """Writes the COCO folder ``out`` (annotations.json, and ``images`` as a link); returns its numbers.

    ``layout`` defaults to that of the set. ``background`` are the values of label pictures that are no mask.
    ValueError where files do not fit the layout, FileExistsError where ``out`` holds something already.
    """
    read = LAYOUTS[layout or one.layout]
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty")
    content: dict[str, Any] = {"info": {"dataset": one.slug, "split": _plain(one.split), "licence": one.licence}}
    content |= {"images": [], "annotations": [], "categories": _categories(annotations)}
    for number, marked in enumerate(read(images, annotations, background), 1):
        height, width = marked.size
        known = {"id": number, "file_name": marked.file_name, "height": height, "width": width}
        image = {**known, **marked.record}  # a layout that knows the id keeps it: detectors' boxes name it
        content["images"].append(image)
        for rle, said in marked.masks:
            runs = masks.parse(rle["size"], rle["counts"], marked.size)
            if area := masks.area(runs):
                entry = {"category_id": 1, "iscrowd": 0, "area": area, **said}
                entry |= {"id": len(content["annotations"]) + 1, "image_id": image["id"]}
                entry |= {"segmentation": rle, "bbox": list(masks.bbox(runs, marked.size))}
                content["annotations"].append(entry)
    if not content["annotations"]:
        raise ValueError(f"{annotations} has no mask for the pictures in {images}")
    out.mkdir(parents=True, exist_ok=True)
    (out / "images").symlink_to(images.resolve(), target_is_directory=True)
    (out / "annotations.json").write_text(json.dumps(content), encoding="utf-8")
    return {"images": len(content["images"]), "masks": len(content["annotations"])}


def _plain(split: str) -> str:
    return split.partition(",")[0].strip().replace(" ", "-").replace("/", "-")


def _categories(annotations: Path) -> list[dict[str, Any]]:
    """The categories of a JSON file, else one: object."""
    content = _json(annotations) if annotations.is_file() else {}
    return list(content.get("categories", ())) or [{"id": 1, "name": "object"}]


def _json(file: Path) -> dict[str, Any]:
    content = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{file} is no COCO file: it holds no object")
    return content


def _coco(images: Path, annotations: Path, background: Sequence[int]) -> Iterator[Marked]:
    """COCO instances: polygons or run lengths; LVIS's images may be named by their address only."""
    content = _json(annotations)
    by_image: dict[Any, list[dict[str, Any]]] = {}
    for one in content.get("annotations", ()):
        by_image.setdefault(one["image_id"], []).append(one)
    for image in content.get("images", ()):
        name = image.get("file_name") or str(image.get("coco_url", "")).rpartition("/")[2]
        if not (images / name).is_file():
            continue  # of another split, or not downloaded
        size = int(image["height"]), int(image["width"])
        found = tuple(
            (_rle(one["segmentation"], size), {key: one[key] for key in _SAID if key in one})
            for one in by_image.get(image["id"], ())
            if one.get("segmentation")
        )
        lvis = {key: image[key] for key in ("neg_category_ids", "not_exhaustive_category_ids") if key in image}
        yield Marked(name, size, found, lvis | {"id": image["id"]})


def _rle(segmentation: Any, size: Size) -> Rle:
    return {"size": [size[0], size[1]], "counts": counts_of(segmentation, size)}


def _labels(images: Path, annotations: Path, background: Sequence[int]) -> Iterator[Marked]:
    """A picture of labels for each image, whose name begins as the image's does; each value or colour is one mask."""
    labelled = sorted(file for file in annotations.rglob("*") if file.suffix.lower() in PICTURES)
    for file in _pictures(images):
        own = [one for one in labelled if one.stem.startswith(file.stem) and one != file]
        if own:
            labels = _read_labels(min(own, key=lambda one: len(one.stem)))
            found = [labels == value for value in np.unique(labels) if value not in background]
            sized = labels.shape[0], labels.shape[1]
            yield Marked(_below(file, images), sized, tuple((masks.encode(mask), {}) for mask in found))


def _read_labels(file: Path) -> NDArray[np.int64]:
    """Labels H x W; the channels of a colour are joined into one number, red first, without transparency."""
    labels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if labels is None:
        raise ValueError(f"{file} is not a readable image")
    if labels.ndim == 2:
        return labels.astype(np.int64)
    blue, green, red = (labels[..., channel].astype(np.int64) for channel in range(3))
    return (red << 16) + (green << 8) + blue


def _folders(images: Path, annotations: Path, background: Sequence[int]) -> Iterator[Marked]:
    """BBBC038: a folder for each image, with one picture in ``images`` and one for each mask in ``masks``."""
    for file in _pictures(annotations):
        if file.parent.name != "images":
            continue
        found = [masks.encode(_read_labels(one) > 0) for one in _pictures(file.parents[1] / "masks")]
        picture = read_picture(file)
        yield Marked(_below(file, images), (picture.shape[0], picture.shape[1]), tuple((one, {}) for one in found))


def _video(images: Path, annotations: Path, background: Sequence[int]) -> Iterator[Marked]:
    """YouTube-VIS and OVIS: every frame is an image, with the segmentation of each object in that frame."""
    content = _json(annotations)
    by_video: dict[Any, list[dict[str, Any]]] = {}
    for one in content.get("annotations", ()):
        by_video.setdefault(one["video_id"], []).append(one)
    for video in content.get("videos", ()):
        size = int(video["height"]), int(video["width"])
        for frame, name in enumerate(video["file_names"]):
            if not (images / name).is_file():
                continue
            found = [(one, one["segmentations"][frame]) for one in by_video.get(video["id"], ())]
            sized = tuple((_rle(shape, size), {"category_id": one["category_id"]}) for one, shape in found if shape)
            yield Marked(name, size, sized, {"sequence": video["id"], "frame": frame})


def _pictures(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in PICTURES)


def _below(file: Path, images: Path) -> str:
    return file.relative_to(images).as_posix()


LAYOUTS: Final[Mapping[Layout, Callable[[Path, Path, Sequence[int]], Iterator[Marked]]]] = {
    "coco": _coco,
    "labels": _labels,
    "folders": _folders,
    "video": _video,
}
