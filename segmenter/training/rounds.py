"""Training of one round of a project: from a release and the training part of a snapshot to the weights of a candidate.

Masks that people made are drawn more often than those of the model: :attr:`RoundPlan.human_weight` times, as in the
paper's data engine (section 4). Pictures whose embedding is kept already are not encoded again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch

from segmenter.checkpoint import load_model
from segmenter.config import TrainConfig
from segmenter.training.augment import whole
from segmenter.training.batches import Slot, Source
from segmenter.training.embedded import Embedded, Embeddings, kept_in
from segmenter.training.entries import decoded
from segmenter.training.loop import train
from segmenter.training.prompting import Prompting, fitting
from segmenter.training.regularise import regularise
from segmenter.training.scenes import Sampler, Scene, scene_of
from segmenter.training.snapshot import Snapshot, open_snapshot
from segmenter.training.watch import Watch

AUTOMATIC: Final = ("automatic", "detector")  # sources of masks that no person drew
Kind = str  # "human" or "automatic"
METRIC_STEPS: Final = 5  # somebody watches


@dataclass(frozen=True)
class RoundPlan:
    """What a training process is told; paths are absolute.

    ``snapshot`` is a folder of one, ``weights`` the file to go on from, ``out`` a folder that a run which was ended
    goes on from. ``embeddings`` may hold ``<pixel digest>.safetensors``, made by the same image encoder.
    """

    snapshot: Path
    weights: Path
    out: Path
    recipe: TrainConfig
    human_weight: float = 10.0
    embeddings: Path | None = None
    checkpoint_seconds: float = 30.0

    def as_json(self) -> str:
        return json.dumps(asdict(self), default=str)


def plan_of(text: str) -> RoundPlan:
    """Reads what :meth:`RoundPlan.as_json` wrote."""
    values: dict[str, Any] = json.loads(text)
    given: dict[str, Any] = values.pop("recipe")
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    recipe = TrainConfig(**given)
    snapshot, weights, out = (Path(values.pop(name)) for name in ("snapshot", "weights", "out"))
    kept = values.pop("embeddings")
    return RoundPlan(snapshot, weights, out, recipe, embeddings=Path(kept) if kept else None, **values)


@dataclass(frozen=True)
class Material:
    """The scenes of a snapshot by kind of mask, the pixel digest of each picture, and how many masks of a kind."""

    scenes: Mapping[Kind, Sequence[Scene]]
    digests: Mapping[Kind, Sequence[str]]
    masks: Mapping[Kind, int]

    def weights(self, human_weight: float) -> dict[Kind, float]:
        """How often a scene of a kind is drawn: as its masks are many, and human ones ``human_weight`` times that."""
        return {kind: self.masks[kind] * (human_weight if kind == "human" else 1.0) for kind in self.scenes}

    def pictures(self) -> Iterator[tuple[str, Scene]]:
        """Every picture once, with its digest."""
        yield from {
            digest: scene
            for kind, scenes in self.scenes.items()
            for digest, scene in zip(self.digests[kind], scenes, strict=True)
        }.items()


def material_of(snapshot: Snapshot, long_side: int) -> Material:
    """The training part of a snapshot in memory; people's masks and the model's of one picture are two scenes.

    ValueError where it holds no mask that is large enough to learn from.
    """
    scenes: dict[Kind, list[Scene]] = {}
    digests: dict[Kind, list[str]] = {}
    counts: dict[Kind, int] = {}
    for image, place in snapshot.images("train"):
        picture = decoded(place.read(), image)
        kinds = ["automatic" if mask.source in AUTOMATIC else "human" for mask in image.masks]
        bitmaps = [bitmap for _, bitmap in image.bitmaps()]
        for kind in dict.fromkeys(kinds):
            chosen = [(kind, bitmap) for one, bitmap in zip(kinds, bitmaps, strict=True) if one == kind]
            scene = scene_of(picture, chosen, long_side)
            if scene is not None:
                scenes.setdefault(kind, []).append(scene)
                digests.setdefault(kind, []).append(image.pixel_digest)
                counts[kind] = counts.get(kind, 0) + len(chosen)
    if not scenes:
        raise ValueError("the snapshot holds no image with a mask to train on")
    return Material(scenes, digests, counts)


def train_round(
    plan: RoundPlan,
    report: Callable[[dict[str, Any]], None] = lambda metrics: None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Trains as the plan says, and on where an earlier run was ended; returns the file of the candidate's weights.

    ``out/material.json`` tells what was learned from: the snapshot's digest and the pixel digests of its pictures. What
    ends a run early is raised as by :func:`segmenter.training.loop.train`.
    """
    torch.manual_seed(plan.recipe.seed)
    model = load_model(plan.weights).to("cuda" if torch.cuda.is_available() else "cpu")
    recipe = fitting(plan.recipe, model.config)
    snapshot = open_snapshot(plan.snapshot)
    material = material_of(snapshot, max(recipe.long_side, model.config.frame))
    plan.out.mkdir(parents=True, exist_ok=True)
    told = {"snapshot_digest": snapshot.digest, "pixel_digests": sorted({digest for digest, _ in material.pictures()})}
    (plan.out / "material.json").write_text(json.dumps(told | {"masks": dict(material.masks)}), encoding="utf-8")
    regularise(model, recipe)
    chance = random.Random(recipe.seed)
    source: Source = Sampler(material.scenes, recipe, chance, material.weights(plan.human_weight))
    embeddings = kept_in(plan.out / "embeddings", model, recipe) if recipe.mode == "decoder" else None
    if embeddings is not None:
        _embed(embeddings, material, plan.embeddings, stop)
        source = Embedded(source, embeddings)
    watch = Watch(plan.out, report, every=METRIC_STEPS)
    task = Prompting(model, recipe)
    slots = [Slot(source, chance)]
    return train(task, slots, recipe, plan.out, stop=stop, watch=watch, every_seconds=plan.checkpoint_seconds)


def _embed(embeddings: Embeddings, material: Material, kept: Path | None, stop: Callable[[], bool]) -> None:
    """Makes or takes over the embeddings of all pictures, so that training takes only its own time."""
    side = embeddings.model.config.frame
    pictures = dict(material.pictures())

    def views() -> Iterator[Any]:
        for digest, scene in pictures.items():
            if stop():
                raise InterruptedError("stopped before the first step")
            picture = whole(scene.picture, scene.annotators[0], side)[0]
            if kept is not None:
                embeddings.adopt(picture, kept / f"{digest}.safetensors")
            yield picture

    embeddings.make(views(), len(pictures))
