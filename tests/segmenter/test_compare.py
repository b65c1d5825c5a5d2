"""Paired comparison: pairs are pairs, intervals are over images, and its words say what the figures say."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from segmenter.evaluate.compare import MACRO, compare, rows_of, sentences
from segmenter.evaluate.report_compare import comparison_page
from segmenter.evaluate.rows import write_results


def row(dataset: str, image: str, annotation: int, **figures: Any) -> dict[str, Any]:
    known = {"dataset": dataset, "image": image, "annotation": annotation, "area": 50, "method": "model"}
    return known | {"protocol": "center"} | figures


def scored(shift: float, spread: float, seed: int, images: int = 40) -> list[dict[str, Any]]:
    """Masks whose difficulty is their image's; ``shift`` is what one side is better by."""
    easy, own = random.Random(7), random.Random(seed)
    rows = []
    for number in range(images):
        level = easy.uniform(0.2, 0.8)
        for mask in range(3):
            value = level + shift + own.uniform(-spread, spread)
            rows.append(row(f"set {number % 2}", f"{number}.jpg", mask, **{"iou@1": value, "noc@85": 20 * (1 - value)}))
    return rows


def test_a_small_difference_of_pairs_is_seen_through_a_large_spread_of_images() -> None:
    found = compare(scored(0.03, 0.02, 1), scored(0.0, 0.02, 2)).differences[MACRO]["iou@1"]
    assert found.difference == pytest.approx(0.03, abs=0.01)
    assert found.sure and found.interval[0] > 0.02 and found.interval[1] < 0.04


def test_sides_that_do_not_differ_are_called_so() -> None:
    found = compare(scored(0.0, 0.2, 1), scored(0.0, 0.2, 2))
    assert not found.differences[MACRO]["iou@1"].sure
    assert "no difference that these images could show" in sentences(found, ("one", "other"))[1]


def test_the_order_of_rows_and_masks_of_one_side_only_change_nothing() -> None:
    ours, theirs = scored(0.1, 0.05, 1), scored(0.0, 0.05, 2)
    shuffled = [*theirs, row("set 0", "more.jpg", 1, **{"iou@1": 0.0, "noc@85": 20.0})]
    random.Random(0).shuffle(shuffled)
    plain, found = compare(ours, theirs), compare(ours, shuffled)
    assert (found.pairs, found.only_first, found.only_second) == (120, 0, 1)
    assert found.differences == plain.differences
    assert "left out" in sentences(found, ("one", "other"))[0]


def test_the_mean_over_the_sets_weighs_a_small_set_as_much_as_a_large_one() -> None:
    sizes = {"large": 30, "small": 2}
    ours = [row(name, f"{n}.jpg", 1, **{"iou@1": 0.8}) for name, size in sizes.items() for n in range(size)]
    theirs = [old | {"iou@1": 0.8 if old["dataset"] == "large" else 0.4} for old in ours]
    found = compare(ours, theirs).differences
    assert found[MACRO]["iou@1"].difference == pytest.approx(0.2)
    assert (found["large"]["iou@1"].difference, found["small"]["iou@1"].difference) == (0, pytest.approx(0.4))


def test_fewer_clicks_are_better() -> None:
    words = sentences(compare(scored(0.2, 0.01, 1), scored(0.0, 0.01, 2)), ("one", "other"))
    assert next(line for line in words if "clicks needed for 85 % IoU" in line).endswith("one is better")
    assert next(line for line in words if "IoU after 1 click" in line).endswith("one is better")


def test_other_masks_are_refused() -> None:
    ours = [row("x", "1.jpg", 1, **{"iou@1": 0.5})]
    with pytest.raises(ValueError, match="no mask in common"):
        compare(ours, [ours[0] | {"image": "2.jpg"}])
    with pytest.raises(ValueError, match=r"annotation 1 of x 1\.jpg is not the same mask"):
        compare(ours, [ours[0] | {"area": 51}])
    with pytest.raises(ValueError, match="no figure in common"):
        compare(ours, [row("x", "1.jpg", 1, iou=0.5)])


def test_rows_of_one_method_and_protocol(tmp_path: Path) -> None:
    one = row("x", "1.jpg", 1, **{"iou@1": 0.5})
    write_results(tmp_path, {}, [one, one | {"protocol": "random"}, one | {"method": "grabcut"}])
    assert rows_of(tmp_path, "grabcut") == [one | {"method": "grabcut"}]
    with pytest.raises(ValueError, match="no row of slic center, only of: grabcut center, model center, model random"):
        rows_of(tmp_path, "slic")
    with pytest.raises(ValueError, match=r"has no masks\.jsonl"):
        rows_of(tmp_path / "absent")


def test_the_page_shows_every_set_and_escapes_names() -> None:
    ours = [old | {"dataset": "<b>&" + old["dataset"]} for old in scored(0.1, 0.05, 1)]
    theirs = [old | {"dataset": "<b>&" + old["dataset"]} for old in scored(0.0, 0.05, 2)]
    html = comparison_page(compare(ours, theirs), ("<i>one", "other"))
    assert "&lt;b&gt;&amp;set 0" in html and "&lt;i&gt;one" in html
    assert "<b>" not in html and "<i>" not in html
