"""`evaluate all`: every table of a model."""

from __future__ import annotations

import typer

from backend.commands import (
    DataFolders,
    Jobs,
    Limit,
    ModelName,
    Out,
    Split,
    evaluate_group,
    jobs_of,
    progress,
    tell_absent,
    tell_report,
    told,
    weights_of,
)
from backend.commands.tables import Grid


def register(app: typer.Typer) -> None:
    evaluate_group(app).command("all")(evaluate_all)


def evaluate_all(
    data: DataFolders,
    out: Out,
    model: ModelName = "starter",
    limit: Limit = None,
    split: Split = None,
    grid: Grid = 64,
    jobs: Jobs = 0,
) -> None:
    """Every table that the data allow, each in its own folder under --out; what is absent is listed."""
    with told():
        from segmenter.data import find_coco_folders, read_split
        from segmenter.evaluate.everything import evaluate_all as evaluate

        admitted, weights = read_split(split, "evaluate"), str(weights_of(model))
        metrics = evaluate(find_coco_folders(data), weights, out, progress, admitted, limit, grid, jobs_of(jobs))
    for table, datasets in metrics["tables"].items():
        typer.echo(f"{table}: {', '.join(datasets)}: {out / table}")
    for table, reason in metrics["failed"].items():
        typer.echo(f"no table of {table}: {reason}")
    for folder in metrics["without_boundaries"]:
        typer.echo(f"no boundaries.npz, so no table of edges: {folder}")
    tell_absent(metrics["absent"])
    tell_report(out, list(metrics["tables"]))
