"""`calibrate`: the last stage of a starter's training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backend.commands import DataFolders, Split, told, weights_of
from backend.commands.training.start import TrainingImages


def calibrate(
    data: DataFolders,
    init: Annotated[str, typer.Option("--init", metavar="NAME|FILE", help="The trained weights.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the calibrated weights go (.safetensors).")],
    split: Split = None,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn by chance.")] = 0,
    release: Annotated[Path | None, typer.Option(metavar="DIR", help="Also make a release folder.")] = None,
    version: Annotated[str, typer.Option(help="Version written into the release.")] = "0",
) -> None:
    """Teach a trained starter to rank its candidates: only the head that predicts IoU learns, in some minutes."""
    with told():
        if out.suffix != ".safetensors":
            raise ValueError(f"--out must be a file that ends in .safetensors, not {out.name}")
        out.parent.mkdir(parents=True, exist_ok=True)  # now, not after minutes of work
        calibrated(TrainingImages(data, split), init, out, seed)
        if release is not None:
            from segmenter.export import write_release

            write_release(out, release.name, version, release)
            typer.echo(f"release: {release}")


def calibrated(data: TrainingImages, init: str, out: Path, seed: int) -> None:
    """Writes the weights of --init to ``out``, with a head of predicted IoU that learned anew."""
    import random

    from rich.progress import Progress

    from segmenter.checkpoint import load_model, save_weights
    from segmenter.config import CalibrationConfig
    from segmenter.modeling.starter import Starter
    from segmenter.training.calibrate import calibrate as run
    from segmenter.training.scenes import LONG_SIDE

    model = load_model(weights_of(init))
    if not isinstance(model, Starter):
        raise ValueError(f"{init} is not a starter model; only such are calibrated here")
    typer.echo("reading the training images ...")
    scenes = data.scenes(LONG_SIDE)
    with Progress() as progress:
        task = progress.add_task("asking the model", total=1.0)
        figures = run(
            model,
            scenes,
            CalibrationConfig(),
            random.Random(seed),
            lambda share: progress.update(task, completed=share),
        )
    typer.echo(
        f"on images held back: IoU of the chosen candidate {figures['chosen']:.3f}, of the best {figures['best']:.3f}; "
        f"predicted IoU is off by {figures['error']:.3f}"
    )
    save_weights(out, model.state_dict(), model.config)
    typer.echo(f"weights: {out}")
