"""`snapshot`: the frozen images and masks that training reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backend.commands import DataFolders, Split, told

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a snapshot.")]
SHOWN = 20  # lines of what was left out


def register(app: typer.Typer) -> None:
    snapshot = typer.Typer(no_args_is_help=True)
    snapshot.command("freeze")(freeze)
    snapshot.command("pack")(pack)
    snapshot.command("check")(check)
    snapshot.command("erase")(erase)
    app.add_typer(snapshot, name="snapshot", help="Frozen images and masks to train on.")


def freeze(
    data: DataFolders,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The snapshot's folder; pictures stay where they are.")],
    split: Split = None,
    held_out: Annotated[
        float | None, typer.Option(help="Share of the groups that is never trained on; .1, or as --after.")
    ] = None,
    group_by: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Images of one group: by this field of COCO's images.")
    ] = None,
    after: Annotated[
        Path | None, typer.Option(metavar="DIR", help="An earlier snapshot; what it held out stays held out.")
    ] = None,
) -> None:
    """Freeze the images of COCO folders, with their masks, in one order, under one digest."""
    from rich.progress import MofNCompleteColumn, Progress, TextColumn

    from segmenter.data import find_coco_folders, read_split
    from segmenter.training.freezing import HELD_OUT_SHARE, find_images, freeze_snapshot
    from segmenter.training.snapshot import open_snapshot

    left_out: list[str] = []
    with told(), Progress(TextColumn("{task.description}"), MofNCompleteColumn()) as progress:
        before = None if after is None else open_snapshot(after)
        share = before.header["held_out_share"] if before is not None else HELD_OUT_SHARE
        found = find_images(find_coco_folders(data), read_split(split, "train"), group_by, left_out.append)
        seen = progress.track(found, description="reading the images ...")
        snapshot = freeze_snapshot(seen, out, share if held_out is None else held_out, before)
    for reason in left_out[:SHOWN]:
        typer.echo(f"left out: {reason}", err=True)
    if len(left_out) > SHOWN:
        typer.echo(f"left out: {len(left_out) - SHOWN} more", err=True)
    for part, name in (("train", "to train on"), ("held_out", "held out")):
        typer.echo(f"{name}: {snapshot.header['images'][part]} images, {snapshot.header['masks'][part]} masks")
    typer.echo(f"snapshot: {out}, {snapshot.digest}")


def pack(
    folder: Folder,
    out: Annotated[Path, typer.Option(metavar="DIR", help="A folder for the shards.")],
    shard_mb: Annotated[int, typer.Option("--shard-mb", min=1, help="Megabytes of one shard, about.")] = 1000,
) -> None:
    """Write the same snapshot as tar shards, pictures included: for many images, or for other machines."""
    from segmenter.training.freezing import pack as run
    from segmenter.training.snapshot import open_snapshot

    with told():
        snapshot = run(open_snapshot(folder), out, shard_mb * 1_000_000)
    typer.echo(f"{len(snapshot.header['shards'])} shards: {out}, {snapshot.digest}")


def check(folder: Folder) -> None:
    """Read every line, mask and picture of a snapshot and compare them with what was frozen."""
    from segmenter.training.snapshot import check as run
    from segmenter.training.snapshot import open_snapshot

    with told():
        snapshot = open_snapshot(folder)
        images = run(snapshot)
    erased = sum(snapshot.header["images"].values()) - images
    typer.echo(f"{folder} is whole: {images} images" + (f", {erased} erased" if erased else ""))


def erase(
    folder: Folder,
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="Pixel digest of the image.")],
) -> None:
    """Take an image and its masks out of a snapshot; only digests stay, and the snapshot keeps its own."""
    from segmenter.training.freezing import erase as run
    from segmenter.training.snapshot import open_snapshot

    with told():
        erased = run(open_snapshot(folder), digest)
    typer.echo(f"{erased} erased from {folder}")
