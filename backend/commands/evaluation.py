"""`evaluate`: how good a model is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from backend.commands import DataFolders, ModelName, Split, told, weights_of


def register(app: typer.Typer) -> None:
    evaluate = typer.Typer(no_args_is_help=True)
    evaluate.callback(help="Measure a model.")(lambda: None)
    evaluate.command("clicks")(evaluate_clicks)
    app.add_typer(evaluate, name="evaluate")


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
