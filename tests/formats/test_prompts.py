"""Prompts as people write them."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from backend import images
from backend.formats.prompts import Asked, mask_of, numbers_of, point_of, read_prompts
from segmenter.prompts import Box, InvalidPrompt, Point


def written(folder: Path, value: object) -> Path:
    file = folder / "prompts.json"
    file.write_text(json.dumps(value))
    return file


def test_objects_are_read_in_their_order(tmp_path: Path) -> None:
    listed = [
        {"points": [[1, 2], [3.5, 4, 0], [0, 0, -1]]},
        {"box": [1, 2, 3, 4], "text": "a wheel"},
        {"points": [[1, 2, 2], [5, 6, 3]], "mask": "one.png"},
    ]
    assert read_prompts(written(tmp_path, listed)) == [
        Asked((Point(1, 2), Point(3.5, 4, 0), Point(0, 0, -1))),
        Asked((), Box(1, 2, 3, 4), None, "a wheel"),
        Asked((Point(1, 2, 2), Point(5, 6, 3)), None, tmp_path / "one.png"),
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "not a list"),
        ([], "not a list of 1"),
        ([[1, 2]], "object 0 of .* is not made of box, mask, points, text"),
        ([{"points": []}, {"point": [1, 2]}], "object 1"),
        ([{"points": [[1]]}], r"\[1\] is not 2 or 3 numbers"),
        ([{"points": [[1, "2"]]}], "not 2 or 3 numbers"),
        ([{"points": [[1, True]]}], "not 2 or 3 numbers"),
        ([{"points": 3}], "object 0"),
        ([{"points": [[1, 2, 4]]}], "the label of point 1,2 is 4"),
        ([{"points": [[1, 2, 0.5]]}], r"the label of point 1,2 is 0\.5"),
        ([{"points": [[1, float("nan")]]}], "finite"),
        ([{"box": [4, 2, 3, 4]}], "empty or inverted"),
        ([{"box": [1, 2, 3]}], "not 4 numbers"),
        ([{"mask": 5}], "file's name"),
    ],
)
def test_what_is_wrong_is_said_with_its_object(tmp_path: Path, value: object, said: str) -> None:
    with pytest.raises(InvalidPrompt, match=said):
        read_prompts(written(tmp_path, value))


def test_a_file_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "prompts.json").write_text("{")
    with pytest.raises(InvalidPrompt, match="not JSON"):
        read_prompts(tmp_path / "prompts.json")


@given(st.text(max_size=20))
def test_any_text_is_numbers_or_refused(text: str) -> None:
    try:
        assert len(numbers_of(text, (2, 3), "x,y")) in (2, 3)
    except InvalidPrompt as error:
        assert "is not of the form x,y" in str(error)


@given(st.lists(st.floats(), min_size=2, max_size=3))
def test_any_numbers_are_a_point_or_refused(numbers: list[float]) -> None:
    try:
        point = point_of(numbers)
    except InvalidPrompt:
        return
    assert np.isfinite([point.x, point.y]).all() and point.label in (-1, 0, 1, 2, 3)


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "P"])
def test_a_mask_is_whatever_is_not_black(tmp_path: Path, mode: str) -> None:
    inside = np.zeros((30, 40), np.uint8)
    inside[5:10, 20:30] = 255
    Image.fromarray(inside).convert(mode).save(tmp_path / "mask.png")
    rgb = images.read(tmp_path / "mask.png").rgb
    assert (mask_of(rgb, (30, 40)) == (inside > 0)).all()
    with pytest.raises(InvalidPrompt, match="is 40 x 30 pixels, the picture 30 x 40"):
        mask_of(rgb, (40, 30))
