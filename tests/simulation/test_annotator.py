"""The simulated annotator: clicks into what is wrong, stops when content, paints or gives up, and judges proposals."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.simulation.annotator import Annotator, Manner
from segmenter.checkpoint import load_model
from segmenter.evaluate.protocol import iou
from segmenter.manifest import find_weights
from segmenter.predict import embed

CAREFUL = Manner(doubt=0.0)


@pytest.fixture(scope="module")
def model():
    return load_model(Path(find_weights("starter"))).eval()


@pytest.fixture(scope="module")
def truth():
    mask = np.zeros((120, 160), np.bool_)
    mask[30:90, 40:120] = True
    return mask


@pytest.fixture(scope="module")
def embedding(model, truth):
    rgb = np.full((120, 160, 3), 90, np.uint8)
    rgb[truth] = (200, 40, 40)
    return embed(model, rgb)


def annotator(model, manner=CAREFUL, seed=1):
    return Annotator(model, manner, random.Random(seed))


def test_stops_as_soon_as_content(model, embedding, truth):
    drawn = annotator(model).draw(embedding, truth)
    assert drawn is not None
    assert drawn.chosen is not None
    assert iou(drawn.mask, truth) >= CAREFUL.content
    assert drawn.brush_edits == 0
    assert drawn.seconds == pytest.approx(CAREFUL.find_seconds + CAREFUL.click_seconds * len(drawn.points))


def test_the_first_click_lies_inside_and_times_grow(model, embedding, truth):
    drawn = annotator(model, replace(CAREFUL, content=0.99, most_clicks=4)).draw(embedding, truth)
    assert drawn is not None
    first = drawn.points[0][0]
    assert truth[int(first.y), int(first.x)]
    assert first.label == 1
    times = [seconds for _, seconds in drawn.points]
    assert times == sorted(times)


def test_out_of_clicks_the_brush_has_the_last_word(model, embedding, truth):
    drawn = annotator(model, replace(CAREFUL, content=1.01, most_clicks=2)).draw(embedding, truth)
    assert drawn is not None
    assert drawn.chosen is None
    assert drawn.brush_edits >= 1
    assert iou(drawn.mask, truth) > 0.9
    assert drawn.seconds > CAREFUL.find_seconds + 2 * CAREFUL.click_seconds + CAREFUL.brush_seconds


def test_gives_up_when_it_would_take_too_long(model, embedding, truth):
    manner = replace(CAREFUL, content=1.01, most_clicks=2, patience_seconds=6.0)
    assert annotator(model, manner).draw(embedding, truth) is None


def test_equal_chance_equal_work(model, embedding, truth):
    manner = Manner()
    first, second = (annotator(model, manner, 7).draw(embedding, truth) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.points == second.points
    assert np.array_equal(first.mask, second.mask)


def test_a_painted_mask_is_at_most_a_pixel_off(model, truth):
    hand = annotator(model)
    areas = {int(np.count_nonzero(hand.painted(truth))) for _ in range(20)}
    assert areas == {60 * 80, 62 * 82, 58 * 78}
    speck = np.zeros((9, 9), np.bool_)
    speck[4, 4] = True
    assert all(hand.painted(speck).any() for _ in range(10))


def test_judges_a_proposal_by_the_mask_it_fits_best(model, truth):
    other = np.zeros_like(truth)
    other[0:10, 0:10] = True
    nearly, roughly = truth.copy(), truth.copy()
    nearly[30:33] = False
    roughly[30:50] = False
    hand = annotator(model)
    assert hand.judge(nearly, [other, truth]) == ("accepted", 1)
    assert hand.judge(roughly, [other, truth]) == ("mended", 1)
    assert hand.judge(other, [truth]) == ("rejected", -1)
    assert hand.judge(truth, []) == ("rejected", -1)


def test_mends_a_proposal_by_clicks_into_what_is_wrong(model, embedding, truth):
    roughly = truth.copy()
    roughly[30:50] = False
    drawn = annotator(model).draw(embedding, truth, roughly)
    assert drawn is not None
    first = drawn.points[0][0]
    assert truth[int(first.y), int(first.x)] and not roughly[int(first.y), int(first.x)]
    assert first.label == 1
    assert iou(drawn.mask, truth) >= CAREFUL.content or drawn.brush_edits
    assert drawn.points[0][1] == pytest.approx(CAREFUL.click_seconds), "nothing had to be found"
