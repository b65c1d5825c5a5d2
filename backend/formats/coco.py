"""COCO instances JSON: a streaming writer, and a reader of folders (`images/` and `annotations.json`).

Written masks are compressed run-length encodings, one region each, `iscrowd` 0, with area and box counted from the
mask's own pixels, so that pycocotools loads them and agrees. Ids are 1, 2, 3 ... in the given order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from backend.errors import Invalid

CLASS_AGNOSTIC = "object"
MAX_JSON_BYTES = 1 << 30


class Sink(Protocol):
    """Where bytes go."""

    def write(self, chunk: bytes, /) -> int: ...


@dataclass(frozen=True)
class Counts:
    """What was written."""

    images: int
    annotations: int
    categories: int


def write_instances(
    out: Sink,
    info: Mapping[str, Any],
    categories: Sequence[Mapping[str, Any]],
    images: Iterable[Mapping[str, Any]],
    annotations: Iterable[Mapping[str, Any]],
    licenses: Sequence[Mapping[str, Any]] = (),
) -> Counts:
    """Write the document element by element; images and annotations may be endless for all that memory notices.

    The same elements give the same bytes. Elements carry their own COCO fields and ids already.
    """
    out.write(b'{"info":' + _text(info) + b',"licenses":' + _text(list(licenses)))
    out.write(b',"categories":' + _text(list(categories)))
    counted = []
    for name, elements in (("images", images), ("annotations", annotations)):
        out.write(b',"' + name.encode() + b'":[')
        number = 0
        for number, element in enumerate(elements, 1):
            out.write((b",\n" if number > 1 else b"\n") + _text(element))
        out.write(b"\n]")
        counted.append(number)
    out.write(b"}\n")
    return Counts(counted[0], counted[1], len(categories))


def _text(element: Any) -> bytes:
    return json.dumps(element, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReadAnnotation:
    """A mask as found: `segmentation` in any of COCO's three forms, the category by name (None = class-agnostic)."""

    segmentation: Any
    category: str | None
    is_crowd: bool


@dataclass
class ReadImage:
    """An image of a data set with its annotations; the size is (height, width) as the document says."""

    path: Path
    file_name: str
    size: tuple[int, int]
    annotations: list[ReadAnnotation] = field(default_factory=list)


@dataclass
class ReadDataset:
    """Names of the categories in their order, with their supercategories, and the images."""

    categories: dict[str, str]
    images: list[ReadImage]
    missing: list[str] = field(default_factory=list)


def is_dataset(folder: Path) -> bool:
    """Whether a folder is `images/` beside `annotations.json`."""
    return (folder / "annotations.json").is_file() and (folder / "images").is_dir()


def read_folder(folder: Path) -> ReadDataset:
    """A COCO folder; images that are named but not there are listed in `missing`. Raises Invalid.

    Ids only tie the document together, and file names only pick files inside `images/`; nothing else is opened.
    """
    document = _load(folder / "annotations.json")
    names, categories = _categories(document)
    dataset = ReadDataset(categories, [])
    by_id: dict[Any, ReadImage] = {}
    for record in _records(document, "images"):
        image = _read_image(folder, record)
        if image.path.is_file():
            dataset.images.append(image)
            by_id[_id(record, "id")] = image
        else:
            dataset.missing.append(image.file_name)
    for record in _records(document, "annotations"):
        owner = by_id.get(_id(record, "image_id"))
        if owner is None or "segmentation" not in record:
            continue
        category = names.get(_id(record, "category_id"))
        owner.annotations.append(ReadAnnotation(record["segmentation"], category, bool(record.get("iscrowd"))))
    return dataset


def _categories(document: Mapping[str, Any]) -> tuple[dict[Any, str | None], dict[str, str]]:
    """(name by id, with None for the class-agnostic one; supercategory by name)."""
    names: dict[Any, str | None] = {}
    supercategories: dict[str, str] = {}
    for record in _records(document, "categories"):
        name = str(record.get("name", "")).strip()[:200]
        names[_id(record, "id")] = name if name and name != CLASS_AGNOSTIC else None
        if name and name != CLASS_AGNOSTIC:
            supercategories.setdefault(name, str(record.get("supercategory", "") or "")[:200])
    return names, supercategories


def _id(record: Mapping[str, Any], name: str) -> float | str | None:
    value = record.get(name)
    if value is not None and type(value) not in (int, float, str):
        raise Invalid(f"`{name}` is neither a number nor a text.", code="bad_dataset")
    return value


def _read_image(folder: Path, record: Mapping[str, Any]) -> ReadImage:
    name, height, width = record.get("file_name"), record.get("height"), record.get("width")
    if not isinstance(name, str) or type(height) is not int or type(width) is not int:
        raise Invalid("An image of the document lacks file_name, height or width.", code="bad_dataset")
    parts = name.replace("\\", "/").split("/")
    if name.startswith("/") or ".." in parts or ":" in parts[0] or "\0" in name:
        raise Invalid(f"The file name {name[:80]!r} leads out of the data set.", code="bad_dataset")
    return ReadImage(folder / "images" / Path(*parts), name, (height, width))


def _load(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MAX_JSON_BYTES:
        raise Invalid(f"{path.name} is larger than 1 GiB.", code="bad_dataset")
    try:
        document = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{path.name} is not valid JSON: {error}", code="bad_dataset") from error
    if not isinstance(document, dict):
        raise Invalid(f"{path.name} is not a COCO document.", code="bad_dataset")
    return document


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _records(document: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    records = document.get(name, [])
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise Invalid(f"`{name}` is not a list of objects.", code="bad_dataset")
    yield from records
