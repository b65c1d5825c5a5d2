"""SA-1B's JSON: what is written is read back; what is not whole or not exact is refused."""

import copy
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Invalid
from backend.formats import sa1b
from segmenter import masks

IMAGE = sa1b.Sa1bImage(11, 6, 5, "ä.jpg")


def annotation(**changes: Any) -> dict[str, Any]:
    bitmap = np.zeros((5, 6), np.bool_)
    bitmap[1:3, 2:5] = True
    return {
        "segmentation": masks.encode(bitmap),
        "area": 6,
        "bbox": [2, 1, 3, 2],
        "predicted_iou": 1.03,
        "point_coords": [[2.5, 1.5]],
        "stability_score": 0.97,
        "crop_box": [0, 0, 6, 5],
    } | changes


def written(annotations: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    assert sa1b.write_image(out, IMAGE, iter(annotations)) == len(annotations)
    return out.getvalue()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_is_written_is_read(tmp_path: Path, count: int) -> None:
    file = tmp_path / "sa_11.json"
    file.write_bytes(written([annotation(parent_id=None if number < 2 else 1) for number in range(count)]))
    image, annotations = sa1b.read_image(file)
    assert image == IMAGE and [entry["id"] for entry in annotations] == list(range(1, count + 1))
    assert all(entry["segmentation"] == annotation()["segmentation"] for entry in annotations)
    assert json.loads(file.read_text())["image"] == {"image_id": 11, "width": 6, "height": 5, "file_name": "ä.jpg"}


def test_the_writer_takes_annotations_as_they_come_and_no_number_that_is_none() -> None:
    out, sizes = io.BytesIO(), []

    def endless() -> Any:
        for _ in range(20):
            sizes.append(len(out.getvalue()))
            yield annotation()

    sa1b.write_image(out, IMAGE, endless())
    assert sizes == sorted(set(sizes))
    with pytest.raises(ValueError, match="Out of range"):
        written([annotation(stability_score=float("nan"))])


def change(document: dict[str, Any], edit: Callable[[dict[str, Any]], Any]) -> bytes:
    changed = copy.deepcopy(document)
    edit(changed)
    return json.dumps(changed).encode()


EDITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no image": lambda d: d.pop("image"),
    "image without id": lambda d: d["image"].pop("image_id"),
    "size of text": lambda d: d["image"].update(width="6"),
    "another size": lambda d: d["image"].update(height=6),
    "no pixels": lambda d: d["image"].update(height=0),
    "annotations as an object": lambda d: d.update(annotations={}),
    "annotation as a number": lambda d: d["annotations"].append(3),
    "no score": lambda d: d["annotations"][0].pop("stability_score"),
    "wrong area": lambda d: d["annotations"][0].update(area=7),
    "broken counts": lambda d: d["annotations"][0]["segmentation"].update(counts="~~"),
    "three numbers of a box": lambda d: d["annotations"][0].update(bbox=[1, 2, 3]),
    "text in a box": lambda d: d["annotations"][0].update(bbox=[1, 2, 3, "4"]),
    "no point": lambda d: d["annotations"][0].update(point_coords=[]),
    "a point of one": lambda d: d["annotations"][0].update(point_coords=[[1]]),
    "an infinite score": lambda d: d["annotations"][0].update(predicted_iou=1e999),
    "a score beyond all floats": lambda d: d["annotations"][0].update(predicted_iou=10**400),
    "the same id twice": lambda d: d["annotations"][1].update(id=1),
    "a parent that is not there": lambda d: d["annotations"][1].update(parent_id=9),
    "a depth below 0": lambda d: d["annotations"][1].update(depth=-1),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_what_is_not_exact_is_refused(tmp_path: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    file = tmp_path / "sa_11.json"
    file.write_bytes(change(json.loads(written([annotation(), annotation()])), edit))
    with pytest.raises(Invalid, match=r"sa_11\.json is no SA-1B file"):
        sa1b.read_image(file)


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    file, whole = tmp_path / "sa_11.json", written([annotation(), annotation()])
    for length in range(0, len(whole) - 2, 7):
        file.write_bytes(whole[:length])
        with pytest.raises(Invalid, match="no SA-1B file"):
            sa1b.read_image(file)


@given(st.integers(0, 400), st.binary(max_size=4))
def test_any_damage_is_refused_or_harmless(tmp_path_factory: pytest.TempPathFactory, at: int, damage: bytes) -> None:
    file, whole = tmp_path_factory.mktemp("damaged") / "sa_11.json", written([annotation()])
    file.write_bytes(whole[:at] + damage + whole[at + len(damage) :])
    try:
        _, annotations = sa1b.read_image(file)
    except Invalid:
        return
    assert all(masks.decode(entry["segmentation"], (5, 6)).sum() == entry["area"] for entry in annotations)
