"""How the SAM family is called: batches, broadcasting, labels, previous masks."""

import pytest
import torch
from torch import Tensor

from segmenter import export
from segmenter.build import build
from segmenter.config import ModelConfig, SamConfig
from segmenter.golden import weights
from segmenter.modeling.segmenter import Sam
from tests.segmenter.golden import SMALL, near


def ruled(config: ModelConfig) -> Sam:
    model = build(config)
    assert isinstance(model, Sam)
    model.load_state_dict(weights.state({key: tuple(value.shape) for key, value in model.state_dict().items()}))
    return model.eval()


def scene(batch: int, points: int, images: int = 1) -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(batch + 10 * points)
    embedding = {"image_embeddings": torch.randn(images, 256, 16, 16, generator=draw) * 0.3}
    coords = torch.rand(batch, points, 2, generator=draw) * 256
    labels = torch.randint(-1, 4, (batch, points), generator=draw).float()
    return embedding, coords, labels, torch.randn(batch, 1, 64, 64, generator=draw) * 8


@torch.no_grad()
def test_a_batch_of_prompts_equals_the_prompts_one_by_one(small: Sam) -> None:
    embedding, coords, labels, mask = scene(3, 4, images=3)
    has_mask = torch.tensor([1.0, 0.0, 1.0])
    together = small.decode(embedding, coords, labels, mask, has_mask)
    on_first = small.decode({k: v[:1] for k, v in embedding.items()}, coords, labels, mask, has_mask)
    prepared, order = small.prepare(embedding, fold=True), torch.tensor([2, 0, 0])
    judged = small.judge(prepared, coords, labels, mask, has_mask, order)
    shuffled = small.draw(judged, torch.arange(3)), judged.predicted_iou
    for index in range(3):
        given = (coords[index, None], labels[index, None], mask[index, None], has_mask[index, None])
        for answers, image in ((together, index), (on_first, 0), (shuffled, [2, 0, 0][index])):
            alone = small.decode({k: v[image, None] for k, v in embedding.items()}, *given)
            near(answers[0][index], alone[0][0].numpy(), 1e-4)
            near(answers[1][index], alone[1][0].numpy(), 1e-5)


@pytest.mark.parametrize("content", [0.0, 1e30, float("inf"), float("nan")])
@torch.no_grad()
def test_without_a_previous_mask_its_content_does_not_matter(small: Sam, content: float) -> None:
    embedding, coords, labels, mask = scene(1, 2)
    ours = small.decode(embedding, coords, labels, torch.full_like(mask, content), torch.zeros(1))
    theirs = small.decode(embedding, coords, labels, torch.zeros_like(mask), torch.zeros(1))
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[1], theirs[1])


@torch.no_grad()
def test_labels_say_what_a_point_is_and_padding_lies_nowhere(small: Sam) -> None:
    point = torch.tensor([[[100.0, 50.0]]])
    encode = small.prompt_encoder.sparse
    kinds = [encode(point / 256, torch.tensor([[float(label)]])) for label in range(-1, 4)]
    assert all(not torch.allclose(a, b) for i, a in enumerate(kinds) for b in kinds[:i])
    assert torch.equal(kinds[0], encode(point / 128, torch.tensor([[-1.0]])))
    assert torch.equal(kinds[0][0], small.prompt_encoder.not_a_point_embed.weight)
    for label in range(4):
        position = kinds[label + 1][0] - small.prompt_encoder.point_embeddings[label].weight
        near(position, small.prompt_encoder.pe_layer(point / 256)[0].numpy(), 1e-6)


def test_every_weight_learns_from_a_mixed_batch() -> None:
    torch.manual_seed(0)
    model = build(SMALL)
    _, coords, _, mask = scene(2, 5)
    labels = torch.tensor([[-1.0, 0, 1, 2, 3], [1, 0, 1, 0, -1]])
    # A fresh encoder's relative positions are zeros but must still receive a gradient.
    embedding = model.embed(torch.randn(1, 3, 256, 256))
    logits, iou = model.decode(embedding, coords, labels, mask, torch.tensor([1.0, 0.0]))
    assert logits.shape == (2, 4, 64, 64)
    assert iou.shape == (2, 4)
    (logits.square().mean() + iou.square().mean()).backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 0)]
    assert not silent


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig("sam", 250, 64, sam=SMALL.sam),
        ModelConfig("sam", 256, 128, sam=SMALL.sam),
        ModelConfig("sam", 256, 64, sam=SamConfig(embed_dim=100, depth=1, num_heads=3)),
        ModelConfig("sam", 256, 64, sam=SamConfig(96, 1, 3, decoder_heads=7)),
    ],
)
def test_sizes_that_do_not_fit_together_are_refused(config: ModelConfig) -> None:
    with pytest.raises(ValueError, match=r"whole patches|not a multiple"):
        build(config)


@pytest.mark.slow
def test_exported_graphs_give_torchs_numbers() -> None:
    sizes = {"prompt_dim": 32, "mask_in_channels": 8, "decoder_heads": 4, "decoder_mlp_dim": 64, "iou_head_hidden": 32}
    model = ruled(ModelConfig("sam", 64, 16, sam=SamConfig(32, 2, 2, (1,), window_size=3, **sizes)))
    worst = export.check_parity(model, export.encoder_onnx(model), export.decoder_onnx(model))
    assert worst["embedding"] < 2e-5
    assert worst["logits"] < 1e-3
    assert worst["iou"] < 1e-5
