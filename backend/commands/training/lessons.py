"""What a run of `train` learns, by its mode: from pictures alone, or from pictures with masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backend.commands import weights_of
from backend.commands.training.start import Beginning, TrainingImages

if TYPE_CHECKING:
    import random

    from segmenter.training.batches import Source
    from segmenter.training.embedded import Embeddings
    from segmenter.training.loop import Group
    from segmenter.training.modes import Lesson
    from segmenter.training.scenes import Scene


def from_pictures(begin: Beginning, data: TrainingImages, out: Path, say: Callable[[str], None]) -> Lesson:
    """What modes "distill" and "mae" learn, from pictures alone."""
    import torch

    from segmenter.checkpoint import load_model
    from segmenter.training.modes import distilling, reconstructing

    readers = data.readers()
    say(f"{len(readers)} pictures to learn from")
    if begin.teacher is None:
        return reconstructing(begin.model(), begin.init is None, readers, begin.recipe)
    teacher = load_model(weights_of(begin.teacher)).to(begin.device)
    torch.manual_seed(begin.recipe.seed)
    state, config = begin.weights() or (None, begin.named(begin.frame or teacher.config.frame))
    return distilling(teacher, config, state, readers, begin.recipe, out / "embeddings")


def from_masks(begin: Beginning, data: TrainingImages, out: Path, say: Callable[[str], None], group: Group) -> Lesson:
    """What the other modes learn, from pictures with masks."""
    from dataclasses import replace

    from segmenter.training.clip_crops import load_image_side
    from segmenter.training.embedded import Embedded, kept_in
    from segmenter.training.modes import Lesson, depicting
    from segmenter.training.prompting import Prompting, fitting
    from segmenter.training.regularise import regularise
    from segmenter.training.scenes import Sampler, examples
    from segmenter.training.stream import StreamedSampler
    from segmenter.training.text_token import learning

    clip = None if begin.clip is None else load_image_side(begin.clip, begin.device)
    model = begin.model()
    recipe = fitting(begin.recipe, model.config)
    if begin.learn == "all":
        recipe = replace(recipe, augmentation="jitter")  # as in the paper; embeddings are made anew anyway
    say("reading the training images ...")
    long_side = max(recipe.long_side, model.config.frame)
    scenes, shards, textures = data.scenes(long_side), data.shards(), data.more_textures(long_side)
    for name, members in scenes.items() if shards is None else ():
        say(f"  {name}: {len(members)} images")
    if textures:
        say(f"  textures: {len(textures)} pictures more")
    regularise(model, recipe)

    def drawn(chance: random.Random, slot: int, slots: int) -> Source:
        if shards is None:
            return Sampler(scenes, recipe, chance, textures=textures)
        return StreamedSampler(shards, scenes, recipe, chance, slot, slots, long_side, data.loaders)

    lesson = Lesson(Prompting(model, recipe), drawn, recipe, model, examples(scenes))
    if clip is not None:
        return depicting(model, clip, learning(begin.learn), lesson, out / "embeddings")
    embeddings = kept_in(out / "embeddings", model, recipe) if recipe.mode == "decoder" else None
    if embeddings is None:
        return lesson
    if shards is None:
        _embed(embeddings, scenes, group)
    return replace(lesson, source_of=lambda *slot: Embedded(drawn(*slot), embeddings))


def _embed(embeddings: Embeddings, scenes: Mapping[str, Sequence[Scene]], group: Group) -> None:
    """Makes the embeddings of all scenes now, each process its share, so that training takes only its own time."""
    from rich.progress import Progress

    from segmenter.training.augment import whole

    members = [scene for found in scenes.values() for scene in found][group.rank :: group.size]
    side = embeddings.model.config.frame
    pictures = (whole(scene.picture, scene.annotators[0], side)[0] for scene in members)
    with Progress(disable=group.rank > 0) as progress:
        task = progress.add_task("embedding the images", total=1.0)
        embeddings.make(pictures, len(members), lambda share: progress.update(task, completed=share))
        progress.update(task, completed=1.0)
    group.gathered(None)  # nobody begins before all are there
