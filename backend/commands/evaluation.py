"""`evaluate`: how good a model is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from backend.commands import (
    DataFolders,
    Jobs,
    Limit,
    ModelName,
    Out,
    Selected,
    Split,
    evaluate_group,
    jobs_of,
    progress,
    tell_absent,
    tell_report,
    told,
    weights_of,
)


def register(app: typer.Typer) -> None:
    evaluate_group(app).command("clicks")(evaluate_clicks)


def evaluate_clicks(
    data: DataFolders,
    out: Out,
    model: ModelName = "starter",
    limit: Limit = None,
    split: Split = None,
    baselines: Annotated[bool, typer.Option(help="Also superpixels and GrabCut from the same clicks.")] = True,
    protocol: Annotated[
        Literal["both", "center", "random"], typer.Option(help="First click: the middle of the mask, or any pixel.")
    ] = "both",
    following: Annotated[
        Literal["largest", "deepest"],
        typer.Option(help="Later clicks: the middle of the largest error, or the deepest point of all errors (RITM)."),
    ] = "largest",
    most: Annotated[int, typer.Option(min=9, help="Clicks at most; more than 9 count clicks to 85 and 90 % IoU.")] = 20,
    selection: Selected = "starter",
    jobs: Jobs = 0,
) -> None:
    """Mean IoU after 1, 2, 3, 5 and 9 simulated clicks and clicks to 85 and 90 % IoU, per data set."""
    from segmenter.data import find_coco_folders, read_split
    from segmenter.evaluate import clicks
    from segmenter.evaluate.baselines import BASELINES

    protocols = clicks.PROTOCOLS if protocol == "both" else (protocol,)
    chosen = tuple(BASELINES) if baselines else ()
    with told(), progress("evaluating") as report:
        settings = clicks.ClickSettings(protocols, following, most, selection, chosen, limit)
        metrics = clicks.evaluate_clicks(
            find_coco_folders(data),
            str(weights_of(model)),
            out,
            read_split(split, "evaluate"),
            settings,
            jobs_of(jobs),
            report,
        )
    for first, figures in metrics["protocols"].items():
        typer.echo(f"first click: {first}")
        for name, row in [*figures["datasets"].items(), ("macro", figures["macro"])]:
            typer.echo(f"  {name:16} {_line(row)}")
    tell_absent(metrics["absent"])
    tell_report(out)


def _line(row: dict[str, Any]) -> str:
    from segmenter.evaluate.protocol import REPORTED

    means = "  ".join(f"{count}: {row[f'miou@{count}']:.3f}" for count in REPORTED)
    until = f"  clicks to 90 %: {row['noc@90']:.2f}" if "noc@90" in row else ""
    return f"{means}  best of three: {row['oracle@1']:.3f}{until}"
