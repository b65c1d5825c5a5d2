"""`evaluate proposals` and `evaluate instances`: what a model finds by itself, and what it makes of boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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

Grid = Annotated[int, typer.Option("--grid", min=1, help="Points a side that are asked; 64 is the paper's.")]


def register(app: typer.Typer) -> None:
    evaluate = evaluate_group(app)
    evaluate.command("proposals")(evaluate_proposals)
    evaluate.command("instances")(evaluate_instances)


def evaluate_proposals(
    data: DataFolders,
    out: Out,
    model: ModelName = "starter",
    limit: Limit = None,
    split: Split = None,
    grid: Grid = 64,
    jobs: Jobs = 0,
) -> None:
    """Average recall of the best 10, 100 and 1000 automatic masks, by size and frequency, per data set."""
    from segmenter.data import find_coco_folders, read_split
    from segmenter.evaluate.proposals import evaluate_proposals as evaluate

    with told(), progress("evaluating") as report:
        admitted, weights = read_split(split, "evaluate"), str(weights_of(model))
        metrics = evaluate(find_coco_folders(data), weights, out, admitted, limit, grid, jobs_of(jobs), report)
    for name, row in [*metrics["datasets"].items(), ("macro", metrics["macro"])]:
        typer.echo(f"{name:16} {_recalls(row)}  regions: {_recalls(row['baselines']['felzenszwalb'])}")
    tell_absent(metrics["absent"])
    tell_report(out)


def _recalls(row: dict[str, Any]) -> str:
    return "  ".join(f"AR@{count} {row[f'ar@{count}']:.3f}" for count in (10, 100, 1000))


def evaluate_instances(
    data: DataFolders,
    out: Out,
    model: ModelName = "starter",
    limit: Limit = None,
    split: Split = None,
    boxes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A detector's boxes (COCO results); else those of the true masks."),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Boxes of one image at most: COCO takes 100, LVIS 300.")] = 100,
    jobs: Jobs = 0,
) -> None:
    """COCO's average precision of masks made from boxes, with and without a second pass, per data set."""
    from segmenter.data import find_coco_folders, read_split
    from segmenter.evaluate.instances import evaluate_instances as evaluate

    with told(), progress("evaluating") as report:
        admitted, weights = read_split(split, "evaluate"), str(weights_of(model))
        folders = find_coco_folders(data)
        metrics = evaluate(folders, weights, out, admitted, limit, boxes, most, jobs_of(jobs), report)
    for name, row in metrics["datasets"].items():
        first = row["baselines"]["first_pass"]
        typer.echo(f"{name:16} {_precisions(row)}  without the second pass: {_precisions(first)}")
    tell_absent(metrics["absent"])
    tell_report(out)


def _precisions(row: dict[str, Any]) -> str:
    keys = [key for key in ("ap", "ap50", "ap_small", "ap_medium", "ap_large") if key in row]
    return "  ".join(f"{key.replace('_', ' ').replace('ap', 'AP')} {row[key]:.3f}" for key in keys)
