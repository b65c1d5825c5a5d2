"""Paired differences and slices of two evaluations, for the gates."""

from typing import Any

import numpy as np
import pytest

from segmenter.evaluate.gate_figures import gate_rows, leaked_images

AREAS = (100, 5000, 20_000)


def rows(shift: float, images: int = 60, masks: int = 3) -> list[dict[str, Any]]:
    """Masks of every size; the same noise for every model, so that pairs differ by the shift alone."""
    rng = np.random.default_rng(4)
    found = []
    for image in range(images):
        for index in range(masks):
            base = {f"iou@{clicks}": float(rng.uniform(0.4, 0.9)) + shift for clicks in (1, 2, 3, 5, 9)}
            known = {
                "dataset": "p",
                "image": f"{image}.png",
                "annotation": f"{image}/{index}",
                "area": AREAS[index % 3],
            }
            known |= {"noc@85": int(rng.integers(1, 20)), "pixel_digest": f"{image:064}"}
            found.append({**known, **base, "source": "click" if image % 2 else "box", "category": None})
    return found


def test_the_pairs_say_what_the_difference_is_and_how_sure_it_is() -> None:
    found = gate_rows(rows(0.02), rows(0.0))
    assert (found.images, found.masks) == (60, 180)
    assert set(found.compared) == {"miou@1", "miou@3", "miou@5", "noc@85"}
    one = found.compared["miou@1"]
    assert one.difference == pytest.approx(0.02) and one.interval == pytest.approx((0.02, 0.02))
    assert found.compared["noc@85"].difference == 0


def test_every_slice_is_looked_at_by_itself() -> None:
    worse = [row | {"iou@1": row["iou@1"] - 0.3} if row["area"] == 100 else row for row in rows(0.0)]
    found = {(one.kind, one.name): one for one in gate_rows(worse, rows(0.0)).slices}
    assert set(found) == {
        ("size", "small"),
        ("size", "medium"),
        ("size", "large"),
        ("source", "box"),
        ("source", "click"),
    }
    small, large = found["size", "small"], found["size", "large"]
    assert small.candidate - small.active == pytest.approx(-0.1) and small.masks == 60
    assert large.candidate == large.active
    named = [row | {"category": "cup"} for row in rows(0.0)]
    assert ("category", "cup", 180) in {(one.kind, one.name, one.masks) for one in gate_rows(named, named).slices}


def test_masks_that_only_one_version_answered_are_no_comparison() -> None:
    with pytest.raises(ValueError, match="of one version only"):
        gate_rows(rows(0.0)[1:], rows(0.0))


def test_pictures_that_were_learned_from_are_counted_once() -> None:
    assert leaked_images(rows(0.0), {f"{4:064}", f"{9:064}", f"{999:064}"}) == 2
    assert leaked_images(rows(0.0), set()) == 0
