"""Masks at the image's size: compiled and plain, both against the definition in transforms."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segmenter import masks
from segmenter.full_size import full_size
from segmenter.kernels import compiled
from segmenter.transforms import upsample_mask

FRAME = 64
SIDES = st.integers(1, 150)
LOGITS = hnp.arrays(
    np.float32, (16, 16), elements=st.sampled_from([-30.0, -1.0, 0.0, 1.0, 9.0]) | st.floats(-3, 3, width=32)
)


def blobs(seed: int) -> np.ndarray:
    """A few soft disks, as the model draws them, over 16x16."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:16, :16]
    disks = [r - np.hypot(y - cy, x - cx) for cy, cx, r in random.uniform((0, 0, 0.5), (16, 16, 5), (3, 3))]
    return np.maximum.reduce(disks).astype(np.float32) * 2


@pytest.mark.parametrize("as_compiled", [True, False], ids=["compiled", "plain"])
@settings(deadline=None, max_examples=60)
@given(LOGITS | st.integers(0, 10_000).map(blobs), SIDES, SIDES, st.sampled_from([0.0, 0.5, 1.0]))
@example(np.full((16, 16), -30, np.float32), 20, 30, 1.0)
@example(np.full((16, 16), -1, np.float32), 64, 64, 1.0)
@example(np.full((16, 16), 30, np.float32), 1, 150, 1.0)
@example(np.full((16, 16), 30, np.float32), 150, 1, 1.0)
def test_the_mask_and_its_counts_are_those_of_the_whole_picture(
    as_compiled: bool, logits: np.ndarray, height: int, width: int, offset: float
) -> None:
    whole = upsample_mask(logits, (height, width), FRAME)
    drawn = full_size(logits, (height, width), FRAME, 0.0, offset, as_compiled)
    assert drawn.runs.tolist() == masks.runs_of(whole > 0).tolist()
    assert drawn.above_low == np.count_nonzero(whole > -np.float32(offset))
    assert drawn.above_high == np.count_nonzero(whole > np.float32(offset))


def test_an_official_size() -> None:
    logits = np.kron(blobs(3), np.ones((16, 16), np.float32))
    whole = upsample_mask(logits, (300, 450), 1024)
    for as_compiled in (True, False):
        drawn = full_size(logits, (300, 450), 1024, 0.0, 1.0, as_compiled)
        assert drawn.runs.tolist() == masks.runs_of(whole > 0).tolist()
        assert drawn.window.shape != (300, 450)


@settings(deadline=None)
@given(st.data())
def test_runs_of_a_window_are_those_of_the_mask_around_it(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
    top, left = data.draw(st.integers(0, height)), data.draw(st.integers(0, width))
    shape = (data.draw(st.integers(0, height - top)), data.draw(st.integers(0, width - left)))
    window = data.draw(hnp.arrays(np.bool_, shape))
    whole = np.zeros((height, width), bool)
    whole[top : top + shape[0], left : left + shape[1]] = window
    assert masks.runs_within(window, (left, top), (height, width)).tolist() == masks.runs_of(whole).tolist()


def test_a_loop_is_compiled_where_nothing_can_be_kept() -> None:
    names: dict[str, object] = {}
    exec("def double(number):\n    return 2 * number", names)  # noqa: S102 - a function without a file has no cache
    double = compiled(names["double"])  # type: ignore[type-var]
    assert double(21) == 42
    assert type(double).__name__ == "CPUDispatcher"
