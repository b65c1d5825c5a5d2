"""What an audit says about the published shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.engine import audits
from backend.engine.audits import Audited


def sample(above: int, below: int) -> list[Audited]:
    return [Audited(0.95, 500, 30)] * above + [Audited(0.80, 5000, 60)] * below


@pytest.mark.parametrize(
    ("above", "below", "reaches"),
    [(0, 0, None), (40, 0, None), (500, 0, True), (470, 30, None), (400, 100, False), (490, 10, True)],
)
def test_only_a_whole_interval_above_or_below_decides(above: int, below: int, reaches: bool | None) -> None:
    bar = audits.bars(sample(above, below))[0]
    assert bar.reaches_published is reaches
    assert bar.share.n == above + below


def test_the_bars_are_the_papers_and_strict() -> None:
    strict = audits.bars([Audited(0.90, 1, 1), Audited(0.75, 1, 1), Audited(0.91, 1, 1)])
    assert [(bar.iou_above, bar.published, bar.share.value) for bar in strict] == [
        (0.9, 0.94, pytest.approx(1 / 3)),
        (0.75, 0.97, pytest.approx(2 / 3)),
    ]


@given(st.lists(st.builds(Audited, st.floats(0, 1), st.integers(1, 20_000), st.floats(0, 900)), max_size=40))
def test_sizes_part_the_sample(audited: list[Audited]) -> None:
    parts = [audits.of_size(audited, size) for size in ("small", "medium", "large")]
    assert sum(part.n for part in parts) == len(audited)
    hits = sum(round((part.value or 0) * part.n) for part in parts)
    assert hits == sum(one.iou > 0.9 for one in audited)
