"""Automatic masks from an embedding alone, and from boxes: the same model, without its encoder."""

from dataclasses import replace

import numpy as np
import pytest

from segmenter import masks
from segmenter.automask import Cancelled, ScoredBox, from_boxes, generate, generate_embedded
from segmenter.automask_config import AUTOMASK_PRESETS
from segmenter.checkpoint import load_model
from segmenter.manifest import find_weights
from segmenter.predict import decode, embed
from segmenter.prompts import Box, Prompt
from segmenter.transforms import Size

FEW = replace(AUTOMASK_PRESETS["starter"], points_per_side=2)
SIZE: Size = (303, 384)


@pytest.fixture(scope="module")
def coins() -> np.ndarray:
    from skimage.data import coins

    return np.repeat(coins()[:, :, None], 3, 2)


def test_an_embedding_gives_what_its_picture_gives(coins: np.ndarray) -> None:
    model = load_model(find_weights("starter"))
    embedding = embed(model, coins)
    found = generate_embedded(model, embedding, FEW)
    assert found == generate(model, coins, FEW)
    assert {mask.candidate for mask in found} <= {1, 2, 3}
    with pytest.raises(ValueError, match="crops"):
        generate_embedded(model, embedding, replace(FEW, crop_n_layers=1))
    with pytest.raises(Cancelled):
        generate_embedded(model, embedding, FEW, cancelled=lambda: True)


def test_boxes_give_the_best_answer_of_each_that_passes(coins: np.ndarray) -> None:
    model = load_model(find_weights("starter"))
    embedding = embed(model, coins)
    given = [ScoredBox((30.0, 30.0, 110.0, 110.0), 0.9), ScoredBox((100.0, 30.0, 190.0, 130.0), 0.5)]
    loose = replace(FEW, pred_iou_thresh=0.0, stability_score_thresh=0.0, min_mask_region_area=0, max_mask_share=None)
    found = from_boxes(model, embedding, given, loose)
    assert {mask.box for mask in found} == set(given)
    for mask in found:
        assert mask.box is not None
        answer = decode(model, embedding, [Prompt((), Box(*mask.box.corners))])[0]
        assert mask.candidate == 1 + int(answer.predicted_iou[1:].argmax())
        assert masks.iou(mask.runs, masks.runs_of(answer.mask(mask.candidate))) > 0.99
        x0, y0, x1, y1 = mask.box.corners
        assert mask.point == ((x0 + x1) / 2, (y0 + y1) / 2) and mask.size == coins.shape[:2] == SIZE
    assert from_boxes(model, embedding, [given[0], given[0]], loose) == from_boxes(model, embedding, [given[0]], loose)
    assert from_boxes(model, embedding, given, replace(loose, pred_iou_thresh=0.999)) == []
    assert from_boxes(model, embedding, [], loose) == []
