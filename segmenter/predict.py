"""Pictures to embeddings, prompts to masks. Nothing is kept between calls, so threads may share a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from segmenter.build import Model
from segmenter.prompts import InvalidPrompt, Prompt, alike, check_inside, one_by_one, prompt_rows
from segmenter.text import check_text
from segmenter.transforms import Size, frame_pixels, to_frame, upsample_mask

MASK_THRESHOLD = 0.0
FOLDED_FROM = 3  # prompts: from here on folding an image's first layer saves more than it costs
STABLE, STABILITY_OFFSET = 0.98, 0.05  # of the single mask, in SAM 2's rule (sam.md section 1.7)
MaskInputs = NDArray[np.float32] | Sequence[NDArray[np.float32] | None] | None


@dataclass(frozen=True)
class Embedding:
    """What the image encoder saw: named tensors 1xCxHxW float32, the image's size (h, w) and the frame's side."""

    tensors: dict[str, torch.Tensor]
    size: Size
    frame: int


@dataclass(frozen=True)
class Candidates:
    """The four answers to one prompt: logits 4xLxL and predicted IoU 4; ``chosen`` is only the default."""

    logits: NDArray[np.float32]
    predicted_iou: NDArray[np.float32]
    chosen: int
    size: Size
    frame: int

    def mask(self, index: int) -> NDArray[np.bool_]:
        """One candidate at the image's size."""
        upsampled: NDArray[np.bool_] = upsample_mask(self.logits[index], self.size, self.frame) > MASK_THRESHOLD
        return upsampled

    @property
    def ranked(self) -> list[int]:
        """The three ambiguity candidates, best predicted IoU first."""
        return [1 + int(i) for i in np.argsort(-self.predicted_iou[1:], kind="stable")]


def choose(
    predicted_iou: Sequence[float] | NDArray[np.float32],
    prompt_count: int,
    single: NDArray[np.float32] | None = None,
) -> int:
    """The default candidate: with one prompt the best of the three by predicted IoU, with more the single mask.

    A box counts as one prompt, a previous mask as another (sam.md section 1.7). ``single``, the single mask's logits
    LxL, asks for SAM 2's fallback: where its threshold matters (stability below 0.98), the best of the three again.
    """
    if prompt_count > 1 and (single is None or _stability(single) >= STABLE):
        return 0
    return 1 + int(np.argmax(np.asarray(predicted_iou)[1:]))


def _stability(logits: NDArray[np.float32]) -> float:
    """Agreement of the mask with itself when its threshold moves; an empty mask is stable, as in SAM 2."""
    outer = int((logits > -STABILITY_OFFSET).sum())
    return int((logits > STABILITY_OFFSET).sum()) / outer if outer else 1.0


@torch.inference_mode()
def embed(model: Model, rgb: NDArray[np.uint8]) -> Embedding:
    """Encodes an upright HxWx3 RGB picture once; every later prompt needs only :func:`decode`."""
    config = model.config
    pixels = torch.from_numpy(frame_pixels(rgb, config.frame, config.pixel_mean, config.pixel_std))
    tensors = model.embed(pixels[None].to(device_of(model)))
    held = {name: tensor.cpu() for name, tensor in tensors.items()}
    return Embedding(held, (rgb.shape[0], rgb.shape[1]), config.frame)


@dataclass(frozen=True)
class Prepared:
    """An embedded image and what its prompts share in the decoder: made once, read by any number of threads."""

    embedding: Embedding
    shared: dict[str, torch.Tensor]


@dataclass(frozen=True)
class Scored:
    """A batch of B prompts, judged but not drawn: ``predicted_iou`` Bx4, and what :func:`masks` needs to draw them."""

    predicted_iou: torch.Tensor
    judged: Any


@torch.inference_mode()
def prepare(model: Model, embedding: Embedding, fold: bool = True) -> Prepared:
    """What every prompt on one image shares. Folding costs as much as it saves two prompts: see ``fold``."""
    device = device_of(model)
    tensors = {name: tensor.to(device) for name, tensor in embedding.tensors.items()}
    return Prepared(embedding, model.prepare(tensors, fold))


@torch.inference_mode()
def score(
    model: Model,
    prepared: Prepared,
    coords: torch.Tensor,
    labels: torch.Tensor,
    mask_inputs: torch.Tensor | None = None,
    text: torch.Tensor | None = None,
) -> Scored:
    """Judges a batch of prompts: points BxNx2 float32 in frame pixels, labels BxN, the last mask's logits Bx1xLxL.

    ``text`` BxD, for models that take it (:func:`segmenter.text.check_text`), is one prompt token more each.

    A judged prompt of the official models holds 4 MiB until it is drawn: keep batches small.
    """
    device = device_of(model)
    previous = None if mask_inputs is None else mask_inputs.to(device)
    told = {} if text is None else {"text": text.to(device)}
    judged = model.judge(prepared.shared, coords.to(device), labels.to(device), previous, **told)
    return Scored(judged.predicted_iou.cpu(), judged)


@torch.inference_mode()
def masks(model: Model, scored: Scored, rows: torch.Tensor) -> torch.Tensor:
    """The four logit maps Kx4xLxL of the K prompts that ``rows`` (int64) names."""
    return model.draw(scored.judged, rows.to(device_of(model))).cpu()


def device_of(model: torch.nn.Module) -> torch.device:
    """Where a model's weights lie, and where it computes."""
    return next(model.parameters()).device


@torch.inference_mode()
def decode(
    model: Model,
    embedding: Embedding,
    prompts: Sequence[Prompt],
    mask_inputs: MaskInputs = None,
    stability_fallback: bool = False,
) -> list[Candidates]:
    """Answers a batch of prompts, given in image pixels, on one embedded image; each as if it were asked alone.

    ``mask_inputs``, one LxL or None for each, are the logits of the mask that was shown before the newest prompt, or
    those of :func:`segmenter.prompts.mask_prompt`. ``stability_fallback``: see :func:`choose`. InvalidPrompt for points
    and boxes outside the image and for mask inputs that are not LxL finite numbers.
    """
    prepared = prepare(model, embedding, fold=len(prompts) >= FOLDED_FROM)
    return _decode(model, prepared, prompts, mask_inputs, stability_fallback)


def _decode(
    model: Model,
    prepared: Prepared,
    prompts: Sequence[Prompt],
    mask_inputs: MaskInputs = None,
    stability_fallback: bool = False,
) -> list[Candidates]:
    previous = [None] * len(prompts) if mask_inputs is None else list(mask_inputs)
    if len(previous) != len(prompts):
        raise InvalidPrompt(f"{len(prompts)} prompts came with {len(previous)} mask inputs")
    for prompt, mask in zip(prompts, previous, strict=True):
        check_inside(prompt, prepared.embedding.size)
        if prompt.text is not None:
            check_text(model, len(prompt.text))
        if mask is not None:
            _check_mask_input(mask, model.config.logits)
    answers: dict[int, Candidates] = {}
    for group in alike(prompts, [mask is not None for mask in previous]):
        found = _decode_alike(
            model, prepared, [prompts[i] for i in group], [previous[i] for i in group], stability_fallback
        )
        answers |= zip(group, found, strict=True)
    return [answers[index] for index in range(len(prompts))]


def _check_mask_input(mask: NDArray[np.float32], side: int) -> None:
    if mask.shape != (side, side):
        raise InvalidPrompt(f"a mask input of this model has {side} x {side} logits, not {mask.shape}")
    if not np.isfinite(mask).all():
        raise InvalidPrompt("the mask input is not made of finite numbers")


def _decode_alike(
    model: Model,
    prepared: Prepared,
    prompts: Sequence[Prompt],
    previous: Sequence[NDArray[np.float32] | None],
    stability_fallback: bool,
) -> list[Candidates]:
    embedding = prepared.embedding
    rows = [prompt_rows(prompt) for prompt in prompts]
    coords = np.stack([to_frame(points, embedding.size, embedding.frame) for points, _ in rows])
    labels = np.stack([label for _, label in rows])
    masked = [np.ascontiguousarray(mask, np.float32) for mask in previous if mask is not None]
    shown = torch.from_numpy(np.stack(masked))[:, None] if masked else None
    texts = [np.asarray(prompt.text, np.float32) for prompt in prompts if prompt.text is not None]
    told = torch.from_numpy(np.stack(texts)) if texts else None
    scored = score(model, prepared, torch.from_numpy(coords).float(), torch.from_numpy(labels), shown, told)
    logits = masks(model, scored, torch.arange(len(prompts)))
    return [
        Candidates(
            mask_logits,
            scores,
            choose(scores, prompt.count + bool(masked), mask_logits[0] if stability_fallback else None),
            embedding.size,
            embedding.frame,
        )
        for mask_logits, scores, prompt in zip(logits.numpy(), scored.predicted_iou.numpy(), prompts, strict=True)
    ]


def answer(
    model: Model,
    embedding: Embedding,
    prompt: Prompt,
    mask_input: NDArray[np.float32] | None = None,
    stability_fallback: bool = False,
) -> Candidates:
    """Answers a prompt as the page does: box first, then click by click, each time showing the model its last mask.

    ``mask_input`` LxL is the mask to begin with.
    """
    prepared = prepare(model, embedding, fold=False)
    shown = mask_input
    for step in one_by_one(prompt):
        candidates = _decode(model, prepared, [step], [shown], stability_fallback)[0]
        shown = candidates.logits[candidates.chosen]
    return candidates
