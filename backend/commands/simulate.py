"""`simulate`: the whole engine on a labelled data set, with simulated annotators."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from backend.commands import DataFolders, Split, told, weights_of


def register(app: typer.Typer) -> None:
    app.command()(simulate)


def simulate(
    data: DataFolders,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where report.json, report.html and the instance go.")],
    model: Annotated[str, typer.Option(metavar="NAME|FILE", help="Shipped model, release folder or file.")] = "starter",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; of three or more the last is fully automatic.")] = 3,
    images: Annotated[int | None, typer.Option(min=1, help="Images to annotate, at most; else all others.")] = None,
    holdout: Annotated[
        int | None, typer.Option(min=1, help="Images to hold out; by default the larger of 20 % and 50.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the order of images and of the annotator's hand.")] = 0,
    split: Split = None,
    part: Annotated[str, typer.Option(help="Of the split file: which images to use.")] = "evaluate",
    minutes: Annotated[float, typer.Option(min=0.1, help="Of training in each round.")] = 3.0,
    mode: Annotated[str, typer.Option(help="What a round trains: decoder, full, or auto.")] = "auto",
    masks: Annotated[int, typer.Option(min=1, help="Masks of an image, the largest first, at most.")] = 20,
    patience: Annotated[float, typer.Option(min=1, help="Seconds after which a mask is given up.")] = 30.0,
    audit: Annotated[int, typer.Option(min=1, help="Automatic masks that are audited, at most.")] = 100,
) -> None:
    """Run stages, rounds, gates, promotions, automatic masks, audit and export on images with human masks.

    Everything goes through the real services and jobs, in an instance of its own that can be opened afterwards with
    `maskmill serve --data DIR/instance`. Simulated seconds are assumptions: see docs/simulation.md.
    """
    if (out / "instance").exists():
        raise typer.BadParameter(f"{out} holds a simulation already; choose another folder", param_hint="--out")
    with told():
        from backend.simulation.annotator import Manner
        from backend.simulation.report import html
        from backend.simulation.run import Wishes
        from backend.simulation.run import simulate as run
        from backend.simulation.world import labelled_images, split_of
        from segmenter.data import find_coco_folders, read_split

        found = list(labelled_images(find_coco_folders(data), read_split(split, part)))
        chosen = split_of(found, images, holdout, seed)
        out.mkdir(parents=True, exist_ok=True)
        release = _release_of(model, out / "start")
        wishes = Wishes(rounds, seed, minutes, mode, masks, audit, Manner(patience_seconds=patience))
        report = run(out, release, chosen, wishes, typer.echo)
    (out / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    (out / "report.html").write_text(html(report), encoding="utf-8")
    for sentence in report["summary"]:
        typer.echo(sentence)
    typer.echo(f"report: {out / 'report.html'}, figures: {out / 'report.json'}")


def _release_of(model: str, folder: Path) -> Path:
    """The release folder of a model by name or file; of bare weights one that is made in ``folder``."""
    from segmenter.export import write_release
    from segmenter.manifest import MANIFEST

    weights = weights_of(model)
    if (weights.parent / MANIFEST).is_file():
        return weights.parent
    write_release(weights, weights.stem, "0", folder)
    return folder
