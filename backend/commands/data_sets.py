"""`evaluate datasets`: which data sets the paper measures on, and which of them are here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backend.commands import evaluate_group, told


def register(app: typer.Typer) -> None:
    evaluate_group(app).command("datasets")(list_data_sets)


def list_data_sets(
    data: Annotated[
        list[Path] | None, typer.Option("--data", metavar="DIR", help="Say which of them are under these folders.")
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
        if data:
            typer.echo(f"{'':13} {_place(here.get(one.slug, []))}")


def _place(folders: list[Path]) -> str:
    return f"here: {', '.join(map(str, folders))}" if folders else "absent"
