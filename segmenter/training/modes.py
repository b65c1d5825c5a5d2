"""What the modes beside "full" and "decoder" bring to the training loop: a task, and where its batches come from."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from segmenter.build import Model
from segmenter.config import ModelConfig, PretrainConfig, TextConfig, TrainConfig
from segmenter.predict import device_of
from segmenter.training.batches import Source
from segmenter.training.clip_crops import ImageSide
from segmenter.training.distill import Distilling, student_config, student_of
from segmenter.training.embedded import Embedded, kept_in
from segmenter.training.loop import Task
from segmenter.training.pictures import Pictures, Reader, random_crop, whole
from segmenter.training.pretrain import Reconstructing
from segmenter.training.prompting import Prompting
from segmenter.training.regularise import regularise
from segmenter.training.text_token import Depicted, Learning, choose_what_learns, with_projection
from segmenter.training.watch import Example

SourceOf = Callable[[random.Random, int, int], Source]


@dataclass(frozen=True)
class Lesson:
    """A task, the source of a slot of batches from its chance, its number and how many there are, and the recipe.

    ``shown`` is the model whose answers to prompts are worth looking at, where there is one, on these ``examples``.
    """

    task: Task
    source_of: SourceOf
    recipe: TrainConfig
    shown: Model | None = None
    examples: Sequence[Example] = ()


def distilling(
    teacher: Model,
    encoder: ModelConfig,
    begin: Mapping[str, Tensor] | None,
    readers: Sequence[Reader],
    recipe: TrainConfig,
    folder: Path,
) -> Lesson:
    """A student with ``encoder``'s image encoder, at its frame, learns a teacher's embeddings of whole pictures.

    ``begin``, a state dict, holds the weights that its image encoder begins with. The teacher's embeddings are kept in
    ``folder``, unless the recipe says otherwise. ValueError where the two do not go together.
    """
    config = student_config(teacher.config, encoder, encoder.frame)
    student = student_of(teacher, config, begin).to(device_of(teacher))
    task = Distilling(student, teacher, recipe, begin is None, kept_in(folder, teacher, recipe))
    side = max(config.frame, teacher.config.frame)
    return Lesson(task, lambda chance, slot, slots: Pictures(readers, whole, chance, side), recipe)


def reconstructing(model: Model, fresh: bool, readers: Sequence[Reader], recipe: TrainConfig) -> Lesson:
    """The image encoder of a model learns from pictures alone; ``fresh`` where it has learned nothing yet."""
    sizes = PretrainConfig()
    view = partial(random_crop, least_area=sizes.least_area)
    task = Reconstructing(model, recipe, sizes, fresh)
    return Lesson(task, lambda chance, slot, slots: Pictures(readers, view, chance), recipe)


def depicting(model: Model, clip: ImageSide, learning: Learning, prompted: Lesson, folder: Path) -> Lesson:
    """A model learns to answer CLIP's embeddings of the masks that another lesson learns from.

    While the image encoder does not learn, its embeddings of pictures that repeat are kept in ``folder``, unless the
    recipe says otherwise. ValueError for a model that cannot be prompted by this CLIP.
    """
    recipe = prompted.recipe
    told = with_projection(model, clip.dim).to(device_of(model))
    regularise(told, recipe)
    choose_what_learns(told, learning)
    kept = None if learning == "all" else kept_in(folder, told, recipe)

    def source(chance: random.Random, slot: int, slots: int) -> Source:
        depicted = Depicted(prompted.source_of(chance, slot, slots), clip, TextConfig(), chance)
        return depicted if kept is None else Embedded(depicted, kept)

    return Lesson(Prompting(told, recipe), source, recipe, told, prompted.examples)
