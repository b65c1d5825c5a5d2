"""COCO instances: what is written is what pycocotools reads; what is read is checked."""

import io
import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as oracle

from backend.errors import Invalid
from backend.formats import coco
from segmenter import masks, polygons
from tests import pictures

SIZE = (40, 60)


def dataset(folder: Path, document: object, *names: str) -> Path:
    (folder / "images").mkdir(parents=True)
    for name in names:
        path = folder / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures.png())
    text = document if isinstance(document, str) else json.dumps(document)
    (folder / "annotations.json").write_text(text, encoding="utf-8")
    return folder


def test_the_writer_streams_valid_json_with_everything_in_it() -> None:
    out = io.BytesIO()
    images = [{"id": 1, "file_name": "ä.png", "height": 4, "width": 5}]
    annotations = [{"id": 1, "image_id": 1}, {"id": 2, "image_id": 1}]
    counts = coco.write_instances(out, {"description": "d"}, [{"id": 1, "name": "a"}], iter(images), iter(annotations))
    assert counts == coco.Counts(images=1, annotations=2, categories=1)
    assert json.loads(out.getvalue()) == {
        "info": {"description": "d"},
        "licenses": [],
        "categories": [{"id": 1, "name": "a"}],
        "images": images,
        "annotations": annotations,
    }
    empty = io.BytesIO()
    coco.write_instances(empty, {}, [], [], [])
    assert json.loads(empty.getvalue())["images"] == []


def test_the_writer_takes_elements_as_they_come() -> None:
    """An endless source must not be gathered first: every element is written before the next is asked for."""
    out = io.BytesIO()
    sizes: list[int] = []

    def images() -> Any:
        for number in range(50):
            sizes.append(len(out.getvalue()))
            yield {"id": number, "file_name": "x" * 1000}

    coco.write_instances(out, {}, [], images(), [])
    assert all(later > earlier + 900 for earlier, later in itertools.pairwise(sizes))


def test_the_writer_refuses_numbers_that_are_not_json() -> None:
    with pytest.raises(ValueError, match="JSON"):
        coco.write_instances(io.BytesIO(), {"x": math.nan}, [], [], [])


def test_a_folder_is_read_with_names_instead_of_ids(tmp_path: Path) -> None:
    segmentation = {"size": [40, 60], "counts": "x"}
    document = {
        "categories": [{"id": 7, "name": "car", "supercategory": "road"}, {"id": 8, "name": "object"}],
        "images": [
            {"id": "a", "file_name": "one.png", "height": 40, "width": 60},
            {"id": 5, "file_name": "sub/two.png", "height": 40, "width": 60},
            {"id": 6, "file_name": "gone.png", "height": 40, "width": 60},
        ],
        "annotations": [
            {"id": 1, "image_id": "a", "category_id": 7, "segmentation": segmentation},
            {"id": 2, "image_id": 5, "category_id": 8, "segmentation": segmentation, "iscrowd": 1},
            {"id": 3, "image_id": 6, "category_id": 7, "segmentation": segmentation},
            {"id": 4, "image_id": "nobody", "category_id": 7, "segmentation": segmentation},
            {"id": 5, "image_id": 5, "category_id": 99},
        ],
    }
    read = coco.read_folder(dataset(tmp_path / "d", document, "one.png", "sub/two.png"))
    assert coco.is_dataset(tmp_path / "d") and not coco.is_dataset(tmp_path)
    assert read.categories == {"car": "road"} and read.missing == ["gone.png"]
    assert [(image.file_name, image.size) for image in read.images] == [("one.png", SIZE), ("sub/two.png", SIZE)]
    first, second = (image.annotations for image in read.images)
    assert [(a.category, a.is_crowd) for a in first] == [("car", False)]
    assert [(a.category, a.is_crowd) for a in second] == [(None, True)]


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[]",
        '{"images": NaN}',
        '{"images": {}}',
        '{"images": [1]}',
        '{"images": [{"id": 1, "height": 4, "width": 5}]}',
        '{"images": [], "categories": [{"id": [1], "name": "cat"}]}',
        '{"images": [], "annotations": [{"id": 1, "image_id": {}, "segmentation": []}]}',
        '{"images": [{"id": 1, "file_name": "a.png", "height": "4", "width": 5}]}',
        '{"images": [{"id": 1, "file_name": "../a.png", "height": 4, "width": 5}]}',
        '{"images": [{"id": 1, "file_name": "/etc/passwd", "height": 4, "width": 5}]}',
        '{"images": [{"id": 1, "file_name": "a\\\\..\\\\..\\\\b.png", "height": 4, "width": 5}]}',
        '{"images": [{"id": 1, "file_name": "C:\\\\a.png", "height": 4, "width": 5}]}',
        '{"images": [{"id": 1, "file_name": "a\\u0000.png", "height": 4, "width": 5}]}',
        "[" * 100_000,
    ],
)
def test_documents_that_lead_nowhere_or_elsewhere_are_refused(tmp_path: Path, document: str) -> None:
    """SEC-12: file names of a document only pick files inside of images/."""
    with pytest.raises(Invalid):
        coco.read_folder(dataset(tmp_path / "d", document, "a.png"))


def test_all_three_forms_of_a_mask_are_read() -> None:
    pixels = np.zeros(SIZE, np.bool_)
    pixels[5:20, 10:31] = True
    compressed = masks.encode(pixels)
    plain = {"size": [40, 60], "counts": [int(run) for run in masks.runs_of(pixels)]}
    polygon = [[10, 5, 31, 5, 31, 20, 10, 20]]
    for form in (dict(compressed), plain, polygon):
        assert polygons.counts_of(form, SIZE) == compressed["counts"]


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_polygons_are_drawn_as_by_the_reference(seed: int = 0) -> None:
    """Shapes of 5 to 20 corners, to the pixel."""
    dice = np.random.default_rng(seed)
    for _ in range(30):
        corners = int(dice.integers(5, 20))
        angles = np.sort(dice.uniform(0, 2 * np.pi, corners))
        radii = dice.uniform(8, 19, corners)
        xy = np.stack([30 + radii * np.cos(angles), 20 + radii * np.sin(angles)], 1).ravel()
        theirs = oracle.merge(oracle.frPyObjects([xy.tolist()], *SIZE))
        assert polygons.counts_of([xy.tolist()], SIZE) == theirs["counts"].decode()


def test_polygons_beyond_the_image_are_cut_at_its_edge() -> None:
    counts = polygons.counts_of([[-100.0, -100.0, 1e9, -100.0, 1e9, 1e9, -100.0, 1e9]], SIZE)
    assert masks.decode({"size": list(SIZE), "counts": counts}, SIZE).all()
    outside = polygons.counts_of([[-50, -50, -40, -50, -40, -40]], SIZE)
    assert not masks.decode({"size": list(SIZE), "counts": outside}, SIZE).any()


@pytest.mark.parametrize(
    "segmentation",
    [
        None,
        [],
        {},
        "text",
        {"size": [60, 40], "counts": "0"},
        {"size": [40, 60], "counts": [2401]},
        {"size": [100_000, 100_000], "counts": "o"},
        [[1, 2, 3, 4]],
        [[1, 2, 3, 4, 5]],
        [[1, 2, 3, 4, 5, math.inf]],
        [[1, 2, 3, 4, 5, "6"]],
        [[1, 2, 3, 4, 5, True]],
        [1, 2, 3, 4, 5, 6],
        [[0.0] * 500_000],
        [[-1e9, -1e9, 1e9, 1e9] * 40_000],
    ],
)
def test_what_is_no_mask_is_refused(segmentation: object) -> None:
    with pytest.raises(masks.InvalidMask):
        polygons.counts_of(segmentation, SIZE)


def test_a_very_large_polygon_covers_what_a_small_one_does_to_a_pixel() -> None:
    """Work and memory grow with the outline, not with the area."""
    size = (2100, 2000)
    polygon: list[float] = [100.3, 100.2, 1900.7, 120.4, 1800.5, 2050.6, 150.1, 1990.9]
    area = masks.area(masks.parse(list(size), polygons.counts_of([polygon], size), size))
    pairs = list(zip(polygon[0::2], polygon[1::2], strict=True))
    turns = zip(pairs, pairs[1:] + pairs[:1], strict=True)
    exact = abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in turns)) / 2
    assert abs(area - exact) < 8000  # a pixel along its edges
