"""`train`, `evaluate`: the model from the command line, without a server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.errors import Invalid

if TYPE_CHECKING:
    from segmenter.config import TrainConfig

DataFolders = Annotated[
    list[Path],
    typer.Option("--data", metavar="DIR", help="COCO folder (images/ + annotations.json) or one above."),
]
Split = Annotated[Path | None, typer.Option("--split", metavar="FILE", help="Names the images to use, per set.")]
ModelName = Annotated[str, typer.Option("--model", metavar="NAME|FILE", help="Shipped model, release folder or file.")]


def register(app: typer.Typer) -> None:
    app.command()(train)
    evaluate = typer.Typer(no_args_is_help=True)
    evaluate.callback(help="Measure a model.")(lambda: None)
    evaluate.command("clicks")(evaluate_clicks)
    app.add_typer(evaluate, name="evaluate")


@contextmanager
def told() -> Iterator[None]:
    """Turns what the segmenter and the file system say of bad input into the one-line errors of the command line.

    Torch is imported inside: how it uses threads and memory is settled first (workers/machine.py).
    """
    from workers.machine import settle

    settle()
    try:
        yield
    except (ValueError, OSError, FloatingPointError) as error:  # the last: a training run that diverged
        raise Invalid(str(error)) from error


def imported(data: Path | None = None) -> Path:
    """The folder of the releases that were imported, in the data directory."""
    from backend.commands.server import settings_with

    return settings_with(data_dir=data).data_dir / "releases"


def weights_of(model: str) -> Path:
    """The weights file of a release by name, shipped or imported, of a release folder, or the file itself."""
    from segmenter.manifest import find_weights

    return find_weights(model, imported())


def train(
    data: DataFolders,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where checkpoint, metrics and weights go.")],
    split: Split = None,
    preset: Annotated[str, typer.Option(help="Recipe: starter, continued, ranking or paper.")] = "starter",
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
    from segmenter.data import Sampler, find_coco_folders, read_scenes, read_split
    from segmenter.modeling.starter import Starter
    from segmenter.train import train as run

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


def evaluate_clicks(
    data: DataFolders,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where metrics.json goes.")],
    model: ModelName = "starter",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first N images of each set that have a mask to ask for.")
    ] = None,
    split: Split = None,
    baselines: Annotated[bool, typer.Option(help="Also superpixels and GrabCut from the same clicks.")] = True,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0 takes one per CPU core.")] = 0,
) -> None:
    """Mean IoU after 1, 2, 3, 5 and 9 simulated clicks, per data set."""
    from rich.progress import Progress

    from segmenter.data import find_coco_folders, read_split
    from segmenter.evaluate import clicks
    from segmenter.evaluate.baselines import BASELINES

    with told(), Progress() as progress:
        task = progress.add_task("evaluating", total=None)
        metrics = clicks.evaluate_clicks(
            find_coco_folders(data),
            str(weights_of(model)),
            out,
            read_split(split, "evaluate"),
            limit,
            tuple(BASELINES) if baselines else (),
            jobs or os.cpu_count() or 1,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    for name, row in [*metrics["datasets"].items(), ("macro", metrics["macro"])]:
        figures = "  ".join(f"{count}: {row[f'miou@{count}']:.3f}" for count in clicks.REPORTED)
        typer.echo(f"{name:16} {figures}  best of three: {row['oracle@1']:.3f}")
    typer.echo(f"figures: {out / 'metrics.json'}")
