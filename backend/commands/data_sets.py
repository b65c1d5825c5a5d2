"""`evaluate datasets` and `evaluate prepare`: the data sets that the paper measures on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from backend.commands import evaluate_group, told


def register(app: typer.Typer) -> None:
    evaluate = evaluate_group(app)
    evaluate.command("datasets")(list_data_sets)
    evaluate.command("prepare")(prepare)


def list_data_sets(
    data: Annotated[
        list[Path] | None, typer.Option("--data", metavar="DIR...", help="Say which of them are under these folders.")
    ] = None,
) -> None:
    """The 23 data sets of the paper: where to get them, their licences, and what is used of them."""
    from segmenter.evaluate.datasets import PUBLISHED, find_published

    with told():
        here = find_published(data) if data else {}
    for one in PUBLISHED:
        typer.echo(f"{one.slug:13} {one.title} ({one.domain})")
        typer.echo(f"{'':13} {one.page}")
        typer.echo(f"{'':13} licence: {one.licence}")
        typer.echo(f"{'':13} the paper takes {one.split}: {one.images} images, {one.masks} masks")
        typer.echo(f"{'':13} maskmill evaluate prepare {one.slug} {one.advice}")
        if data:
            typer.echo(f"{'':13} {_place(here.get(one.slug, []))}")


def _place(folders: list[Path]) -> str:
    return f"here: {', '.join(map(str, folders))}" if folders else "absent"


def prepare(
    name: Annotated[str, typer.Argument(help="The set's short name, the first column of `evaluate datasets`.")],
    annotations: Annotated[
        Path, typer.Option(metavar="PATH", exists=True, help="Its labels: a JSON file or a folder.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The COCO folder to make.")],
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", exists=True, file_okay=False, help="Its pictures, if not there too.")
    ] = None,
    layout: Annotated[
        Literal["coco", "labels", "folders", "video"] | None,
        typer.Option(help="How it is published, if not as listed: docs/evaluation.md."),
    ] = None,
    background: Annotated[
        list[int] | None,
        typer.Option(help="Values of label pictures that are no mask, again and again; 0 if not given."),
    ] = None,
) -> None:
    """Make a downloaded data set readable for `evaluate`: a COCO folder that links to its pictures."""
    with told():
        from segmenter.evaluate.datasets import set_named
        from segmenter.evaluate.layouts import prepare as make

        one = set_named(name)
        made = make(one, images or annotations, annotations, out, layout, background or (0,))
    typer.echo(f"{one.title}: {made['images']} images, {made['masks']} masks: {out}")
    typer.echo(f"the paper takes {one.split}: {one.images} images, {one.masks} masks; licence: {one.licence}")
