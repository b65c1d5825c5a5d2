"""`evaluate sources`: the grid of points beside a project's own box detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backend.commands import evaluate_group, progress, told
from backend.commands.dataset import ProjectName, opened
from backend.commands.server import Data
from backend.errors import NotFound

if TYPE_CHECKING:
    from workers.sources import Found

NAMES = {"automatic": "grid of points", "detector": "box detector"}


def register(app: typer.Typer) -> None:
    evaluate_group(app).command("sources")(evaluate_sources)


def evaluate_sources(
    project: ProjectName,
    images: Annotated[int, typer.Option(min=1, help="Images to look at, at most.")] = 20,
    data: Data = None,
) -> None:
    """Automatic masks of both sources, held against people's on complete images that were held out. Stores nothing."""
    from backend.services import projects

    with told(), opened(data) as runtime:
        from workers.sources import compare

        with runtime.read() as session:
            found = projects.by_id_or_name(session, project)
        if found is None:
            raise NotFound(f"There is no project {project}.")
        with progress("looking for masks") as report:
            told_apart = compare(runtime, found.id, images, report)
    typer.echo(f"{told_apart.images} images with {told_apart.objects} masks of people; a hit is an IoU of 0.5 or more.")
    typer.echo(
        f"{'source':16}{'masks':>8}{'precision':>11}{'recall':>8}{'AP50':>7}   confident: masks, precision, recall"
    )
    for name, source in told_apart.by_source.items():
        typer.echo(
            line_of(NAMES[name], source, told_apart.objects) + f"   {source.seconds / told_apart.images:.1f} s an image"
        )


def line_of(name: str, source: Found, objects: int) -> str:
    """Counts and shares of one source as a line of the table; a dash where there is nothing to divide by."""
    kept = f"{source.kept:8}{_share(source.kept_right, source.kept):>11}{_share(source.kept_right, objects):>8}"
    ap50 = source.ap50()
    sure = f"{source.confident:8}{_share(source.confident_right, source.confident):>11}"
    average = "–" if ap50 is None else f"{ap50:.3f}"
    return f"{name:16}{kept}{average:>7}{sure:>20}{_share(source.confident_right, objects):>8}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "–"
