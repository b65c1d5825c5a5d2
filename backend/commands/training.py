"""`train` and `calibrate`: from pictures with masks to a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.commands import DataFolders, Split, told, weights_of

if TYPE_CHECKING:
    from segmenter.config import TrainConfig


def register(app: typer.Typer) -> None:
    app.command()(train)
    app.command()(calibrate)


def train(
    data: DataFolders,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where checkpoint, metrics and weights go.")],
    split: Split = None,
    preset: Annotated[str, typer.Option(help="Recipe: starter, continued or paper.")] = "starter",
    init: Annotated[str | None, typer.Option(metavar="NAME|FILE", help="Start from these weights.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Length of the schedule in minutes of wall time.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 takes all.")] = 0,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn by chance.")] = 0,
    release: Annotated[Path | None, typer.Option(metavar="DIR", help="Also make a release folder.")] = None,
    version: Annotated[str, typer.Option(help="Version written into the release.")] = "0",
) -> None:
    """Train the starter model, from scratch or from --init; a run that was stopped goes on from what lies in --out."""
    with told():
        _train(data, out, split, _recipe(preset, minutes, threads, seed), init)
        if release is not None:
            from segmenter.export import write_release

            write_release(out / "weights.safetensors", release.name, version, release)
            typer.echo(f"release: {release}")


def _recipe(preset: str, minutes: float | None, threads: int, seed: int) -> TrainConfig:
    from dataclasses import replace

    from segmenter.config import TRAIN_PRESETS

    if preset not in TRAIN_PRESETS:
        raise ValueError(f"no preset {preset}; there are {', '.join(TRAIN_PRESETS)}")
    recipe = replace(TRAIN_PRESETS[preset], threads=threads, seed=seed)
    return recipe if minutes is None else replace(recipe, minutes=minutes)


def _train(data: list[Path], out: Path, split: Path | None, recipe: TrainConfig, init: str | None) -> None:
    import random

    import torch
    from rich.progress import Progress

    from segmenter.checkpoint import load_model
    from segmenter.config import MODEL_CONFIGS
    from segmenter.data import find_coco_folders, read_split
    from segmenter.modeling.starter import Starter
    from segmenter.training.loop import train as run
    from segmenter.training.scenes import Sampler, read_scenes

    rng = random.Random(recipe.seed)
    torch.manual_seed(recipe.seed)
    typer.echo("reading the training images ...")
    scenes = read_scenes(find_coco_folders(data), read_split(split, "train"))
    for name, members in scenes.items():
        typer.echo(f"  {name}: {len(members)} images")
    sampler = Sampler(scenes, recipe.synthetic_share, recipe.paste_share, rng, recipe.whole_share)
    model = load_model(weights_of(init)) if init else Starter(MODEL_CONFIGS["starter"])
    if not isinstance(model, Starter):
        raise ValueError(f"{init} is not a starter model; only such are trained here")
    with Progress() as progress:
        task = progress.add_task("training", total=1.0)

        def report(metrics: dict[str, Any]) -> None:
            text = f"step {metrics['step']}, IoU {metrics['best_of_three_first']:.2f} → {metrics['iou_last']:.2f}"
            progress.update(task, completed=metrics["progress"], description=text)

        weights = run(model, sampler, recipe, out, rng, report)
    typer.echo(f"weights: {weights}")


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
        _calibrate(data, init, out, split, seed)
        if release is not None:
            from segmenter.export import write_release

            write_release(out, release.name, version, release)
            typer.echo(f"release: {release}")


def _calibrate(data: list[Path], init: str, out: Path, split: Path | None, seed: int) -> None:
    import random

    from rich.progress import Progress

    from segmenter.checkpoint import load_model, save_weights
    from segmenter.config import CalibrationConfig
    from segmenter.data import find_coco_folders, read_split
    from segmenter.modeling.starter import Starter
    from segmenter.training.calibrate import calibrate as run
    from segmenter.training.scenes import read_scenes

    model = load_model(weights_of(init))
    if not isinstance(model, Starter):
        raise ValueError(f"{init} is not a starter model; only such are calibrated here")
    typer.echo("reading the training images ...")
    scenes = read_scenes(find_coco_folders(data), read_split(split, "train"))
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
