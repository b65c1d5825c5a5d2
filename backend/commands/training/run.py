"""One run of training, in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from backend.commands.training.lessons import from_masks, from_pictures
from backend.commands.training.start import Beginning, TrainingImages
from backend.commands.training.terminal import progress_bar, stoppable

if TYPE_CHECKING:
    from segmenter.training.loop import Group


def run(data: TrainingImages, out: Path, begin: Beginning, group: Group) -> None:
    """Trains, or goes on from what lies in ``out``; a run that is over writes its weights again."""
    from segmenter.training.distributed import slots_of
    from segmenter.training.loop import train
    from segmenter.training.watch import Watch

    def say(text: str) -> None:
        if group.rank == 0:
            typer.echo(text)

    if begin.recipe.mode in ("distill", "mae"):
        lesson = from_pictures(begin, data, out, say)
    else:
        lesson = from_masks(begin, data, out, say, group)
    slots = slots_of(group, lesson.recipe, lesson.source_of)
    with stoppable() as stop, progress_bar(shown=group.rank == 0) as report:
        watch = Watch(out, report, lesson.shown, lesson.examples)
        weights = train(lesson.task, slots, lesson.recipe, out, stop=stop, group=group, watch=watch)
    say(f"weights: {weights}")
