"""`models`: the releases that are there, and this implementation against golden numbers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from backend.commands.models import told


def register(app: typer.Typer) -> None:
    models = typer.Typer(no_args_is_help=True)
    models.command("list")(list_models)
    models.command("verify")(verify_models)
    models.command("golden")(judge_golden)
    app.add_typer(models, name="models", help="Model releases.")


def list_models() -> None:
    """The models that come with the code."""
    from segmenter.manifest import read_manifest, shipped

    with told():
        for folder in shipped():
            manifest = read_manifest(folder)
            size = sum(file["bytes"] for file in manifest["files"].values()) / 1e6
            typer.echo(f"{manifest['name']} {manifest['version']}  {manifest['digest'][:12]}  {size:.1f} MB  {folder}")


def verify_models(
    folders: Annotated[list[Path] | None, typer.Argument(help="Release folders; the shipped ones by default.")] = None,
) -> None:
    """Check that releases are whole: every file there, with the digest that its manifest names."""
    from segmenter.manifest import shipped, verify

    with told():
        for folder in folders or shipped():
            manifest = verify(folder)
            typer.echo(f"{manifest['name']} {manifest['version']} is whole ({manifest['digest'][:12]})")


def judge_golden(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Golden JSON and .npz files.", file_okay=False)],
    entries: Annotated[list[str] | None, typer.Argument(help="Only these subjects or entries, as vit_b.")] = None,
    pictures: Annotated[Path | None, typer.Option(metavar="DIR", help="Their pictures; default: DIR/images.")] = None,
) -> None:
    """Compare with golden numbers: PASS, FAIL or SKIP for every entry, the largest difference or the reason beside it.

    Ends with status 1 where an entry fails, or where nothing could be compared.
    """
    with told():
        from segmenter.golden import verdicts

        if not folder.is_dir():
            raise ValueError(f"{folder} is no folder")
        totals: Counter[str] = Counter()
        for verdict in verdicts(folder, entries or (), pictures):
            totals[verdict.state] += 1
            typer.echo(f"{verdict.state}  {verdict.entry}  {verdict.detail}".rstrip())
    typer.echo(f"{totals['PASS']} passed, {totals['FAIL']} failed, {totals['SKIP']} skipped")
    if totals["FAIL"] or not totals["PASS"]:
        raise typer.Exit(1)
