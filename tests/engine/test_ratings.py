"""What raters see and what their scores say."""

from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.engine import ratings
from backend.engine.ratings import Scored

SIDES = st.integers(1, 3000)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
    height, width = draw(SIDES), draw(SIDES)
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return (height, width), (x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))


@given(boxes())
def test_the_zoom_shows_the_whole_box_and_lies_in_the_image(
    drawn: tuple[tuple[int, int], tuple[int, int, int, int]],
) -> None:
    (height, width), (x, y, w, h) = drawn
    left, top, across, down = ratings.zoomed((height, width), (x, y, w, h))
    assert 0 <= left <= x and x + w <= left + across <= width
    assert 0 <= top <= y and y + h <= top + down <= height
    assert across >= min(width, 64) and down >= min(height, 64)


def test_the_zoom_leaves_a_quarter_of_the_box_around_it() -> None:
    assert ratings.zoomed((1000, 1000), (400, 400, 200, 100)) == (350, 375, 300, 150)
    assert ratings.zoomed((50, 90), (0, 0, 0, 0)) == (0, 0, 90, 50)  # of a mask without pixels


def test_there_are_the_five_views_of_the_study() -> None:
    shown = ratings.views((480, 640), (10, 20, 30, 40))
    assert [(view.picture, view.mask) for view in shown] == [
        (True, "none"),
        (True, "red_overlay"),
        (False, "yellow_on_purple"),
        (True, "none"),
        (True, "red_overlay"),
    ]
    assert [view.crop == (0, 0, 640, 480) for view in shown] == [True, True, True, False, False]


def test_every_score_has_exactly_one_meaning() -> None:
    assert [score for low, high, _ in ratings.SCALE for score in range(low, high + 1)] == list(ratings.SCORES)


def scored(source: str, key: str | None, score: int, rated: str | None = None) -> Scored:
    return Scored(rated or f"{source} {key}", source, key, score, 30.0)


def test_a_mask_rated_by_several_people_counts_once() -> None:
    given_scores = [scored("a", "1", 10), scored("a", "1", 6), scored("a", "2", 4)]
    figure = ratings.means(given_scores)["a"]
    assert (figure.value, figure.n) == (6.0, 2)
    spread = ratings.agreement(given_scores)
    assert (spread.value, spread.n) == (pytest.approx(8**0.5), 1)


def test_only_objects_that_both_segmented_are_compared() -> None:
    given_scores = [
        scored("human", "1", 9),
        scored("human", "2", 8),
        scored("model", "1", 6),
        scored("model", "1", 8, "again"),
        scored("model", "3", 1),
        scored("model", None, 2),
    ]
    assert ratings.differences(given_scores) == {("human", "model"): [2.0]}


@given(
    st.lists(
        st.builds(scored, st.sampled_from("abc"), st.sampled_from(["1", "2", "3", None]), st.integers(1, 10)),
        max_size=40,
    )
)
def test_summaries_do_not_depend_on_the_order_and_agree_with_each_other(scores: list[Scored]) -> None:
    assert ratings.means(scores[::-1]) == ratings.means(scores)
    assert ratings.histogram(scores[::-1]) == ratings.histogram(scores)
    counts = ratings.histogram(scores)
    assert sum(map(sum, counts.values())) == len(scores)
    for source, figure in ratings.means(scores).items():
        assert figure.value is not None and 1 <= figure.value <= 10
        masks = {one.rated_id for one in scores if one.source == source}
        assert figure.n == len(masks)
    for (first, second), values in ratings.differences(scores).items():
        assert first < second and abs(fmean(values)) <= 9
