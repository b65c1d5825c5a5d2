"""Whole recipes: the runs of training, one after the other, that make a release of ours from nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from segmenter.config import TRAIN_PRESETS, TrainConfig


@dataclass(frozen=True)
class Stage:
    """One run, from the weights of the one before: its config, and the side of the model's frame in pixels."""

    name: str
    config: TrainConfig
    frame: int


# Lengths are steps, so that another machine repeats the same run; the model card tells the time they took.
RECIPES: dict[str, tuple[Stage, ...]] = {
    "starter": (
        Stage("first", replace(TRAIN_PRESETS["starter"], steps=2735, first_frame_share=0.74, threads=1, seed=0), 256),
        Stage(
            "continued", replace(TRAIN_PRESETS["continued"], steps=1939, first_frame_share=0.59, threads=1, seed=7), 256
        ),
        # Clicks anywhere, boxes and late clicks, at a finer frame.
        Stage(
            "finer",
            replace(
                TRAIN_PRESETS["continued"],
                steps=1708,
                long_side=576,
                first_frame=256,
                first_frame_share=0.63,
                learning_rate=5e-4,
                max_clicks=7,
                deep_click_share=0.3,
                box_share=0.3,
                ema=0.998,
                threads=1,
                seed=20,
            ),
            320,
        ),
    ),
}
