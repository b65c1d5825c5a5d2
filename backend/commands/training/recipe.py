"""`train --recipe`: all runs of a recipe, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from backend.commands.training.calibrate import calibrated
from backend.commands.training.run import run
from backend.commands.training.start import Beginning, TrainingImages, device_named

if TYPE_CHECKING:
    from segmenter.training.loop import Group


# What may be said beside --recipe; it decides the rest.
OPEN = {"recipe", "out", "data", "split", "snapshot", "loaders", "textures", "device", "release", "version"}


def decided_by_a_recipe(context: typer.Context) -> list[str]:
    """The options that were typed though a recipe decides them, as they were typed."""
    typed = [
        name for name in context.params if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
    return sorted(f"--{name.replace('_', '-')}" for name in typed if name not in OPEN)


def follow(name: str, data: TrainingImages, out: Path, device: str, said: Sequence[str]) -> None:
    """Trains stage after stage in folders of ``out`` and leaves the calibrated ``weights.safetensors`` there.

    Begun again, it goes on where it was stopped. ValueError for a recipe that does not exist, for ``said``: options
    that the recipe decides itself, and under torchrun: its stages are of one process.
    """
    from segmenter.recipes import RECIPES
    from segmenter.training.distributed import joined

    if name not in RECIPES:
        raise ValueError(f"no recipe {name}; there are {', '.join(RECIPES)}")
    if said:
        raise ValueError(f"the recipe says it itself: leave out {', '.join(said)}")
    with joined() as group:
        if group.size > 1:
            raise ValueError("a recipe is repeated in one process: start it without torchrun")
        weights = _stages(name, data, out, device, group)
    calibrated(data, weights, out / "weights.safetensors", seed=0)


def _stages(name: str, data: TrainingImages, out: Path, device: str, group: Group) -> str:
    """The file of the last stage's weights."""
    from segmenter.recipes import RECIPES

    weights = None
    for number, stage in enumerate(RECIPES[name], 1):
        typer.echo(f"stage {number} of {len(RECIPES[name])}: {stage.name}, {stage.config.steps} steps")
        folder = out / f"{number}-{stage.name}"
        begin = Beginning(stage.config, weights, name, stage.frame, device_named(device), None, None, "projection")
        weights = str(folder / "weights.safetensors")
        if not Path(weights).exists():
            run(data, folder, begin, group)
    assert weights is not None
    return weights
