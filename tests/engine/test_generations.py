"""Rules of automatic generation: ranges of ids, speed, thresholds, steps."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.engine.generations import AFTER, BEFORE, LANES, Thresholds, pace


@given(st.uuids())
def test_every_image_id_lies_in_exactly_one_lane(image_id: uuid.UUID) -> None:
    assert sum(after < str(image_id) < until for after, until in LANES) == 1


def test_speed_and_time_left_follow_from_the_work_done() -> None:
    one = pace(waiting=10, done=5, seconds=20.0, at_once=1)
    assert (one.images_per_minute, one.seconds_left) == (pytest.approx(15), pytest.approx(40))
    two = pace(waiting=10, done=5, seconds=20.0, at_once=2)
    assert (two.images_per_minute, two.seconds_left) == (pytest.approx(30), pytest.approx(20))
    assert pace(10, 5, 20.0, 0).seconds_left is None, "nobody is at it"
    assert pace(10, 0, 0.0, 4).images_per_minute is None


@given(st.none() | st.floats(0, 1), st.none() | st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_stricter_limits_keep_no_more(iou: float | None, stability: float | None, first: float, second: float) -> None:
    low, high = sorted((first, second))
    if Thresholds(high, high).met(iou, stability):
        assert Thresholds(low, low).met(iou, stability)
    assert Thresholds().met(iou, stability)
    assert Thresholds(low).met(iou, stability) == (iou is not None and iou >= low)


def test_no_step_leads_out_of_what_is_cancelled() -> None:
    assert not any("cancelled" in states for states in BEFORE.values())
    assert {AFTER[action] for action, states in BEFORE.items() if "done" in states} == {"running"}
