"""What can be seen of a run while it goes on: its figures line by line, and the model's answers on fixed pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from segmenter.build import Model
from segmenter.config import TrainConfig
from segmenter.evaluate.protocol import iou
from segmenter.predict import decode, embed
from segmenter.prompts import Prompt, first_click
from segmenter.training.state import TrainState

METRICS = "metrics.jsonl"
METRIC_STEPS = 20
PREVIEW_SIDE = 256


@dataclass(frozen=True)
class Example:
    """A picture HxWx3 and one object's mask HxW, shown to the model again and again."""

    picture: NDArray[np.uint8]
    mask: NDArray[np.bool_]


@dataclass
class Watch:
    """Writes ``metrics.jsonl``, a line ``every`` so many steps and at the end, and hands each line to ``report``.

    :meth:`look` writes ``previews/step-N.jpg`` where there are ``examples``: each picture with its deepest click, the
    object outlined in green and the model's first answer in red.
    """

    out: Path
    report: Callable[[dict[str, Any]], None] = lambda metrics: None
    model: Model | None = None
    examples: Sequence[Example] = ()
    recent: list[dict[str, float]] = field(default_factory=list)
    images: float = 0.0
    since: float | None = None
    every: int = METRIC_STEPS

    def step(
        self, state: TrainState, config: TrainConfig, progress: float, figures: dict[str, float], images: float
    ) -> None:
        """Takes note of a step that learned from ``images`` images and began at ``progress``."""
        if self.since is None:
            self._forget(state.step)
            self.since = state.elapsed_seconds
            self.images = -images  # the first step's time is not known
        self.recent.append(figures)
        self.images += images
        over = _is_over(state, config)
        if len(self.recent) < self.every and not over:
            return
        means = {key: sum(m[key] for m in self.recent) / len(self.recent) for key in self.recent[0]}
        seconds = state.elapsed_seconds - self.since
        metrics: dict[str, Any] = {"step": state.step, "progress": 1.0 if over else round(progress, 4)}
        metrics |= {name: float(f"{value:.6g}") for name, value in means.items()}
        metrics["frame"] = int(self.recent[-1]["frame"])
        metrics["learning_rate"] = float(f"{self.recent[-1]['learning_rate']:.6g}")
        metrics["images_per_second"] = round(self.images / seconds, 2) if seconds else 0.0
        metrics["eta_seconds"] = round(_remaining(state, config))
        with (self.out / METRICS).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(metrics) + "\n")
        self.recent.clear()
        self.images, self.since = 0.0, state.elapsed_seconds
        self.report(metrics)

    def _forget(self, step: int) -> None:
        """Takes back what a run wrote that went on beyond its last checkpoint and was killed: it is computed again."""
        file = self.out / METRICS
        if file.exists():
            lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]
            file.write_text("".join(line for line in whole if json.loads(line)["step"] < step), encoding="utf-8")

    def look(self, state: TrainState) -> None:
        """Writes a preview, with the weights of the moment; chance and the model's mode stay as they are."""
        if self.model is None or not self.examples:
            return
        training = self.model.training
        self.model.eval()
        shown = [_shown(self.model, example) for example in self.examples]
        self.model.train(training)
        folder = self.out / "previews"
        folder.mkdir(exist_ok=True)
        file = folder / f"step-{state.step:06}.jpg"
        written, content = cv2.imencode(".jpg", cv2.cvtColor(np.concatenate(shown, 1), cv2.COLOR_RGB2BGR))
        assert written
        file.write_bytes(content.tobytes())


def _is_over(state: TrainState, config: TrainConfig) -> bool:
    if config.steps is None:
        return state.elapsed_seconds >= 60 * config.minutes
    return state.step >= config.steps


def _remaining(state: TrainState, config: TrainConfig) -> float:
    if config.steps is None:
        return 60 * config.minutes - state.elapsed_seconds
    return state.elapsed_seconds / state.step * (config.steps - state.step)


@torch.inference_mode()
def _shown(model: Model, example: Example) -> NDArray[np.uint8]:
    """One square of a preview."""
    click = first_click(example.mask)
    candidates = decode(model, embed(model, example.picture), [Prompt((click,))])[0]
    answer = candidates.mask(candidates.chosen)
    picture = example.picture.copy()
    picture[answer] = picture[answer] // 2 + np.array([127, 0, 0], np.uint8)
    outlines, _ = cv2.findContours(example.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    picture = np.asarray(cv2.drawContours(picture, outlines, -1, (0, 220, 0), 1), np.uint8)
    scale = PREVIEW_SIDE / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cv2.circle(small, (int(click.x * scale), int(click.y * scale)), 4, (255, 255, 0), -1)
    square = np.zeros((PREVIEW_SIDE, PREVIEW_SIDE, 3), np.uint8)
    square[: small.shape[0], : small.shape[1]] = small
    text = f"{iou(answer, example.mask):.2f}"
    cv2.putText(square, text, (6, PREVIEW_SIDE - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return square
