"""Every default of the model and of training, as frozen dataclasses that turn into plain dicts and back."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Family = Literal["sam", "starter"]


@dataclass(frozen=True)
class TinyVitConfig:
    """Sizes of MobileSAM's image encoder (sam.md section 1.9); the first stage has no attention."""

    widths: tuple[int, int, int, int] = (64, 128, 160, 320)
    depths: tuple[int, int, int, int] = (2, 2, 6, 2)
    heads: tuple[int, int, int] = (4, 5, 10)
    windows: tuple[int, int, int] = (7, 14, 7)


@dataclass(frozen=True)
class SamConfig:
    """Sizes of the SAM family (paper appendix A; the official ViT-B by default).

    ``embed_dim`` to ``mlp_ratio`` are the plain ViT's; a TinyViT has its own in ``tiny_vit``.
    """

    embed_dim: int = 768
    depth: int = 12
    num_heads: int = 12
    global_attention_blocks: tuple[int, ...] = (2, 5, 8, 11)
    patch_size: int = 16
    window_size: int = 14
    mlp_ratio: float = 4.0
    prompt_dim: int = 256
    mask_in_channels: int = 16
    decoder_depth: int = 2
    decoder_heads: int = 8
    decoder_mlp_dim: int = 2048
    iou_head_depth: int = 3
    iou_head_hidden: int = 256
    text_dim: int = 0  # width of the text embeddings that it takes as prompts; 0: none
    encoder: Literal["vit", "tiny_vit"] = "vit"
    tiny_vit: TinyVitConfig = field(default_factory=TinyVitConfig)


@dataclass(frozen=True)
class StarterConfig:
    """Sizes of the starter: a small convolutional pyramid with a dense-click decoder, to learn from little."""

    widths: tuple[int, int, int, int] = (32, 64, 96, 192)
    blocks: tuple[int, int, int] = (1, 2, 3)
    attention_blocks: int = 3
    dim: int = 128
    decoder_depth: int = 2
    decoder_heads: int = 4


@dataclass(frozen=True)
class ModelConfig:
    """One model: its family, its padded square frame S and the side L of its mask logits, both in pixels."""

    family: Family = "starter"
    frame: int = 256
    logits: int = 128
    pixel_mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    pixel_std: tuple[float, float, float] = (58.395, 57.12, 57.375)
    sam: SamConfig = field(default_factory=SamConfig)
    starter: StarterConfig = field(default_factory=StarterConfig)


def _sam(embed_dim: int, depth: int, num_heads: int, global_attention_blocks: tuple[int, ...]) -> ModelConfig:
    sam = SamConfig(embed_dim, depth, num_heads, global_attention_blocks)
    return ModelConfig(family="sam", frame=1024, logits=256, sam=sam)


MODEL_CONFIGS: dict[str, ModelConfig] = {
    "starter": ModelConfig(),
    # The starter with an encoder of half the width, for machines that are slower still.
    "starter_s": ModelConfig(starter=StarterConfig(widths=(16, 32, 48, 96))),
    # Plain ViTs of the sizes of DeiT's "tiny" and "small", which no official checkpoint has.
    "vit_ti": _sam(192, 12, 3, (2, 5, 8, 11)),
    "vit_s": _sam(384, 12, 6, (2, 5, 8, 11)),
    "vit_b": _sam(768, 12, 12, (2, 5, 8, 11)),
    "vit_l": _sam(1024, 24, 16, (5, 11, 17, 23)),
    "vit_h": _sam(1280, 32, 16, (7, 15, 23, 31)),
    "vit_t": ModelConfig(family="sam", frame=1024, logits=256, sam=SamConfig(encoder="tiny_vit")),
}


Mode = Literal["full", "decoder", "distill", "mae", "text"]
Precision = Literal["float32", "bfloat16", "float16"]
Kept = Literal["half", "exact", "none"]


@dataclass(frozen=True)
class TrainConfig:
    """Training of one model. The defaults are the recipe that learns from little; see ``TRAIN_PRESETS``.

    ``minutes`` is the length of the schedule in wall time: on a shared machine the number of steps is not known before.
    ``steps``, where given, is the length instead.
    """

    mode: Mode = "full"
    minutes: float = 30.0
    steps: int | None = None
    images_per_step: int = 8  # of each process, and of each of its ``accumulate`` parts of a step
    masks_per_image: int = 3
    accumulate: int = 1
    long_side: int = 448  # pixels to which pictures are shrunk before crops are taken, or the frame where that is more
    first_frame: int = 160
    first_frame_share: float = 0.55
    learning_rate: float = 1e-3
    schedule: Literal["cosine", "steps"] = "cosine"
    warmup_share: float = 0.03  # of the schedule; "cosine" only
    warmup_steps: int = 250  # "steps" only
    decay_at: tuple[float, ...] = (60_000 / 90_000, 86_666 / 90_000)  # shares of the schedule; "steps" only
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.05
    layer_decay: float = 1.0  # of the learning rate, for each block of the image encoder further from its output
    drop_path: float = 0.0  # share of the image encoder's residual branches left out, of its last block
    dropout: float = 0.0  # in the decoder's transformer
    clip_norm: float = 1.0
    ema: float = 0.997  # decay of the running average of the weights, which is what is kept; 0: none
    precision: Precision = "float32"
    embeddings: Kept = "half"  # how those of an encoder that does not learn are kept: in float16, as they are, not
    interaction: Literal["first_and_last", "every_turn"] = "first_and_last"
    annotators: Literal["mixed", "uniform"] = "mixed"
    max_clicks: int = 5
    refinements: int = 2  # turns without a new click; "every_turn" only
    mask_feedback: float = 0.9  # share of the masks whose previous answer is shown to the decoder
    outputs: Literal[1, 3] = 3  # candidates of which the best learns from an ambiguous prompt; 1: the single mask does
    box_share: float = 0.25
    deep_click_share: float = 0.25  # first clicks at the deepest pixel; the others fall anywhere, more often inside
    augmentation: Literal["strong", "none", "jitter"] = "strong"
    jitter: tuple[float, float] = (0.1, 2.0)  # scales of large-scale jitter
    whole_share: float = 0.25  # crops that show the whole picture, as at inference
    synthetic_share: float = 0.25
    paste_share: float = 0.4
    most_area: float = 0.92  # of the frame: larger masks are not asked for
    set_power: float = 0.5  # a set of n images is drawn n ** set_power times as often as a single image
    cross_entropy_weight: float = 2.0
    focal_weight: float = 0.0
    focal_alpha: float | None = None  # weight of pixels inside, 1 - alpha outside; None: all alike
    focal_gamma: float = 2.0
    dice_weight: float = 1.0
    iou_weight: float = 2.0
    all_candidates_weight: float = 0.05
    single_mask_weight: float = 0.3
    later_candidates_weight: float = 0.2
    threads: int = 0
    seed: int = 0


@dataclass(frozen=True)
class CalibrationConfig:
    """The last stage, in which only the IoU head learns; see ``segmenter.training.calibrate``."""

    views: int = 2  # of every image
    masks_per_image: int = 8
    recoloured_share: float = 0.5
    annotators: TrainConfig = field(default_factory=lambda: TrainConfig(box_share=0.2, deep_click_share=0.7))
    epochs: int = 25
    batch: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    dropout: float = 0.1
    held_back: int = 6


@dataclass(frozen=True)
class PretrainConfig:
    """Masked autoencoding of a ViT; see ``segmenter.training.masked_pixels``. Defaults: MAE's (arXiv 2111.06377)."""

    hidden_share: float = 0.75
    decoder_width: int = 512  # or the encoder's, where that is less
    decoder_head_width: int = 32
    decoder_depth: int = 8
    least_area: float = 0.2  # of the picture, of a random crop


@dataclass(frozen=True)
class TextConfig:
    """Crops for CLIP in the training of the text token (paper, appendix D.5)."""

    least_side: float = 100 / 1024  # of the frame: masks with a smaller area than this square are not asked for
    largest_context: float = 2.0  # times the mask's box, drawn from 1 up
    blacked_share: float = 0.5  # of the crops: black outside the mask


# The paper's recipe (section 3 and appendix A), as its ViT-H was trained: 256 processes with one image each and up to
# 64 masks of it. What the paper does not say is chosen as SAM 2's released training does: focal alpha .25 and gamma 2,
# the gradient's norm limited to 0.1. No running average; losses at the resolution of the logits.
_PAPER = TrainConfig(
    steps=90_000,
    images_per_step=1,
    masks_per_image=64,
    first_frame_share=0.0,
    learning_rate=8e-4,
    schedule="steps",
    betas=(0.9, 0.999),
    weight_decay=0.1,
    layer_decay=0.8,
    drop_path=0.4,
    dropout=0.1,
    clip_norm=0.1,
    ema=0.0,
    interaction="every_turn",
    annotators="uniform",
    max_clicks=8,
    mask_feedback=1.0,
    box_share=0.5,
    augmentation="none",
    whole_share=1.0,
    synthetic_share=0.0,
    paste_share=0.0,
    most_area=0.9,
    set_power=1.0,
    cross_entropy_weight=0.0,
    focal_weight=20.0,
    focal_alpha=0.25,
    iou_weight=1.0,
    all_candidates_weight=0.0,
    single_mask_weight=0.0,
    later_candidates_weight=0.0,
)

TRAIN_PRESETS: dict[str, TrainConfig] = {
    "starter": TrainConfig(),
    # Goes on from the starter's weights with views and clicks as annotators have them: whole pictures, deep clicks.
    "continued": TrainConfig(
        minutes=90.0, first_frame=192, first_frame_share=0.45, learning_rate=8e-4, deep_click_share=0.5, whole_share=0.5
    ),
    # A round: a few minutes from weights that are good already, which must not become worse by them.
    "round": TrainConfig(
        mode="decoder",
        minutes=4.0,
        learning_rate=1e-4,
        warmup_share=0.1,
        masks_per_image=4,
        ema=0.99,
        deep_click_share=0.5,
        whole_share=0.5,
        first_frame_share=0.0,
        synthetic_share=0.0,
        paste_share=0.0,
    ),
    "paper": _PAPER,
    "paper_vit_l": replace(_PAPER, steps=180_000, learning_rate=4e-4),
    "paper_vit_b": replace(_PAPER, steps=180_000, layer_decay=0.6, drop_path=0.6),
    # On masks that people drew, alone, the paper adds large-scale jitter.
    "paper_jitter": replace(_PAPER, augmentation="jitter"),
    # MobileSAM says no more than that its encoder learned from embeddings alone, by their mean squared error.
    "distill": TrainConfig(mode="distill", first_frame_share=0.0),
    # MAE's optimiser; its rate of 1.5e-4 for every 256 pictures of a step is for batches of 4096 and 800 epochs.
    "mae": TrainConfig(
        mode="mae",
        images_per_step=32,
        first_frame_share=0.0,
        learning_rate=5e-4,
        betas=(0.9, 0.95),
        warmup_share=0.05,
        ema=0.0,
    ),
    # The paper's losses, for which official decoders were trained. Few clicks: what learns is the answer to a text.
    "text": replace(
        _PAPER,
        mode="text",
        steps=None,
        images_per_step=2,
        masks_per_image=8,
        learning_rate=1e-3,
        schedule="cosine",
        layer_decay=1.0,
        drop_path=0.0,
        dropout=0.0,
        interaction="first_and_last",
        max_clicks=3,
        set_power=0.5,
    ),
}


def to_dict(config: ModelConfig | TrainConfig) -> dict[str, Any]:
    """The config as JSON-ready values."""
    return dataclasses.asdict(config)


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def model_config(values: dict[str, Any]) -> ModelConfig:
    """Reads what :func:`to_dict` wrote; unknown keys are a ``TypeError``."""
    known = _tuples(values)
    sizes = _tuples(known.pop("sam", {}))
    tiny_vit = TinyVitConfig(**_tuples(sizes.pop("tiny_vit", {})))
    sam = SamConfig(**sizes, tiny_vit=tiny_vit)
    starter = StarterConfig(**_tuples(known.pop("starter", {})))
    return ModelConfig(**known, sam=sam, starter=starter)
