"""The two steps of inference, judging and drawing, against the model's own single pass."""

import numpy as np
import pytest
import torch
from torch import Tensor

from segmenter import predict
from segmenter.build import Model, build
from segmenter.config import ModelConfig, SamConfig

SMALL_SAM = ModelConfig("sam", 128, 32, sam=SamConfig(64, 2, 2, (1,), window_size=3))
SMALL_STARTER = ModelConfig(frame=64, logits=32)
SIZE = (90, 120)


@pytest.fixture(scope="module", params=[SMALL_SAM, SMALL_STARTER], ids=["sam", "starter"])
def model(request: pytest.FixtureRequest) -> Model:
    torch.manual_seed(0)
    made = build(request.param).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))  # nothing is zero or one, as in a trained model
    return made


@pytest.fixture(scope="module")
def embedding(model: Model) -> predict.Embedding:
    return predict.embed(model, np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8))


def near(ours: Tensor, theirs: Tensor) -> None:
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) <= 1e-5 * float(theirs.abs().max())


@pytest.mark.parametrize("points", [1, 2, 5, 11, 20])
@pytest.mark.parametrize("with_mask", [False, True])
def test_judging_and_drawing_give_what_the_plain_pass_gives(
    model: Model, embedding: predict.Embedding, points: int, with_mask: bool
) -> None:
    batch, side = 3, model.config.logits
    generator = torch.Generator().manual_seed(points)
    coords = torch.rand(batch, points, 2, generator=generator) * model.config.frame
    labels = torch.randint(-1, 4, (batch, points), generator=generator).float()
    mask_inputs = torch.randn(batch, 1, side, side, generator=generator) * 8 if with_mask else None
    given = (torch.zeros(batch, 1, side, side), torch.zeros(batch))
    if mask_inputs is not None:
        given = (mask_inputs, torch.ones(batch))
    with torch.inference_mode():
        logits, predicted_iou = model.decode(embedding.tensors, coords, labels, *given)
    prepared = predict.prepare(model, embedding)
    scored = predict.score(model, prepared, coords, labels, mask_inputs)
    near(scored.predicted_iou, predicted_iou)
    near(predict.masks(model, scored, torch.arange(batch)), logits)
    near(predict.masks(model, scored, torch.tensor([2, 0])), logits[[2, 0]])
    assert predict.masks(model, scored, torch.tensor([], dtype=torch.int64)).shape == (0, *logits.shape[1:])
