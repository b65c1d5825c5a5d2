"""`import`, `export`, `demo`: data in and out without the web server."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.commands.server import Data, settings_with, shipped_release

if TYPE_CHECKING:
    from backend.runtime import Runtime

ProjectName = Annotated[str, typer.Argument(metavar="PROJECT", help="A project's id or name.")]


def register(app: typer.Typer) -> None:
    app.command("import")(import_)
    app.command()(export)
    app.command()(demo)


def import_(
    project: ProjectName,
    paths: Annotated[list[Path], typer.Argument(metavar="PATHS...", help="Images, folders, or COCO folders.")],
    data: Data = None,
) -> None:
    """Bring images into a project, which is made if there is none of that name.

    A folder that holds images/ and annotations.json is a COCO data set: its masks become accepted annotations.
    """
    from backend.services import imports

    with opened(data) as runtime:
        report = imports.import_paths(runtime, project, paths, _tell_progress)
    _end_progress()
    for line in report.left_out:
        typer.echo(f"left out: {line}", err=True)
    typer.echo(
        f"{report.images} images, {report.annotations} annotations imported; "
        f"{report.duplicates} images were there already, {len(report.left_out)} things left out."
    )
    if report.left_out and not report.images + report.duplicates:
        raise typer.Exit(1)


def export(
    project: ProjectName,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help=".json: the document; .zip: the archive.")],
    export_format: Annotated[str, typer.Option("--format", help="The only one so far: coco-rle.")] = "coco-rle",
    images: Annotated[bool, typer.Option("--images/--no-images", help="Put the upright images into a .zip.")] = True,
    data: Data = None,
) -> None:
    """Write a project's accepted annotations as COCO instances with compressed run lengths."""
    from backend.services import exports

    if export_format != exports.FORMAT:
        raise typer.BadParameter(f"only {exports.FORMAT} can be written", param_hint="--format")
    if out.suffix not in (".json", ".zip"):
        raise typer.BadParameter("the file's name ends in .json or .zip", param_hint="--out")
    with opened(data) as runtime:
        counts = exports.write_file(runtime, project, out, images, _tell_progress)
    _end_progress()
    typer.echo(f"{out}: {counts.images} images, {counts.annotations} annotations, {counts.categories} categories.")


def demo(data: Data = None) -> None:
    """Make the demo project from the photographs that come with scikit-image."""
    from backend.services import demo as demo_project

    with opened(data) as runtime:
        typer.echo(f"Made the demo project {demo_project.create(runtime)}.")


@contextmanager
def opened(data: Path | None) -> Iterator[Runtime]:
    """A runtime on a migrated database in which the shipped model is registered."""
    import migrations
    from backend.runtime import Runtime
    from backend.services import model_versions

    # Without a running server there is nobody to announce jobs to; the next one finds them in the database.
    logging.getLogger("backend.doorbell").setLevel(logging.ERROR)
    runtime = Runtime.from_settings(settings_with(data_dir=data))
    try:
        if migrations.current(runtime.engine) != migrations.HEAD:
            migrations.upgrade(runtime.engine)
        model_versions.register_release(runtime, runtime.settings.release_dir or shipped_release())
        yield runtime
    finally:
        runtime.close()


def _tell_progress(done: int, total: int, message: str = "Images") -> None:
    """One line that is written over, only where a person looks on."""
    if sys.stderr.isatty():
        typer.echo(f"\r{message}: {done} of {total}", nl=False, err=True)


def _end_progress() -> None:
    if sys.stderr.isatty():
        typer.echo("", err=True)
