"""`evaluate edges`: edge maps judged as the Berkeley benchmark does, from a file or of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from backend.commands import Jobs, ModelName, Split, evaluate_group, jobs_of, progress, tell_report, told, weights_of
from backend.errors import Invalid


def register(app: typer.Typer) -> None:
    evaluate_group(app).command("edges")(evaluate_edges)


def evaluate_edges(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where metrics.json, report.html and counts.jsonl go.")
    ],
    maps: Annotated[Path | None, typer.Option(metavar="FILE", help="Edge maps to judge (.npz), with --truth.")] = None,
    truth: Annotated[Path | None, typer.Option(metavar="FILE", help="Human boundary maps of them (.npz).")] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", metavar="DIR...", help="COCO folders with boundaries.npz, or above; instead of --maps."),
    ] = None,
    model: ModelName = "starter",
    method: Annotated[
        list[str] | None,
        typer.Option(help="With --data: some of model, sobel, canny, felzenszwalb; else all."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N pictures of each set.")] = None,
    split: Split = None,
    jobs: Jobs = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run into the same --out stopped.")] = False,
) -> None:
    """ODS, OIS, AP and R50 of edges against human boundaries (BSDS500's benchmark).

    Either of edge maps in a file, or of a model's masks (16 x 16 points) beside Sobel, Canny and
    Felzenszwalb-Huttenlocher.
    """
    if (maps is None) == (not data) or (maps is None) != (truth is None):
        raise Invalid("give either --maps with --truth, or --data")
    with told():
        if maps is not None and truth is not None:
            from segmenter.evaluate.edge_run import evaluate_maps

            with progress("edges") as report:
                metrics = evaluate_maps(maps, truth, out, limit, jobs_of(jobs), resume, report)
            typer.echo(_line(maps.name, metrics))
        else:
            _of_folders(data or [], model, method, out, split, limit, jobs, resume)
    tell_report(out)


def _of_folders(
    data: list[Path],
    model: str,
    methods: list[str] | None,
    out: Path,
    split: Path | None,
    limit: int | None,
    jobs: int,
    resume: bool,
) -> None:
    from segmenter.data import find_coco_folders, read_split
    from segmenter.evaluate.edge_sets import evaluate_edges as evaluate

    admitted, weights = read_split(split, "evaluate"), str(weights_of(model))
    with progress("edges") as report:
        metrics = evaluate(
            find_coco_folders(data), weights, out, admitted, limit, methods, jobs_of(jobs), resume, report
        )
    for name, found in metrics["datasets"].items():
        typer.echo(f"{name}, {next(iter(found['methods'].values()))['images']} pictures")
        for method, figures in found["methods"].items():
            typer.echo(_line(f"  {method}", figures))
    for folder in metrics["without_boundaries"]:
        typer.echo(f"no boundaries.npz, left out: {folder}")


def _line(name: str, figures: dict[str, Any]) -> str:
    values = "  ".join(f"{key.upper()} {figures[key]:.4f}" for key in ("ods", "ois", "ap", "r50"))
    return f"{name:16} {values}  ({figures['images']} pictures)"
