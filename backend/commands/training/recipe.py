"""`train --recipe`: all runs of a recipe, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from backend.commands.training.calibrate import calibrated
from backend.commands.training.run import run
from backend.commands.training.start import Beginning, TrainingImages, device_named


def follow(name: str, data: TrainingImages, out: Path, device: str, said: Sequence[str]) -> None:
    """Trains stage after stage in folders of ``out`` and leaves the calibrated ``weights.safetensors`` there.

    Begun again, it goes on where it was stopped. ValueError for a recipe that does not exist, and for ``said``: options
    that the recipe decides itself.
    """
    from segmenter.recipes import RECIPES
    from segmenter.training.loop import Alone

    if name not in RECIPES:
        raise ValueError(f"no recipe {name}; there are {', '.join(RECIPES)}")
    if said:
        raise ValueError(f"the recipe says it itself: leave out {', '.join(said)}")
    weights = None
    for number, stage in enumerate(RECIPES[name], 1):
        typer.echo(f"stage {number} of {len(RECIPES[name])}: {stage.name}, {stage.config.steps} steps")
        folder = out / f"{number}-{stage.name}"
        begin = Beginning(stage.config, weights, name, stage.frame, device_named(device), None, None, "projection")
        weights = str(folder / "weights.safetensors")
        if not Path(weights).exists():
            run(data, folder, begin, Alone())
    assert weights is not None
    calibrated(data, weights, out / "weights.safetensors", seed=0)
