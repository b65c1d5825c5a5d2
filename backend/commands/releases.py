"""`models`: the releases that are there, checkpoints from elsewhere as releases, and golden numbers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from backend.commands import imported, told, weights_of
from backend.commands.server import settings_with
from backend.errors import NotFound, Unavailable

Frame = Annotated[int | None, typer.Option(help="Another frame, as 512: positions are interpolated.")]
Half = Annotated[bool, typer.Option("--half", help="Matrices in half precision: half the size.")]
EncoderOnnx = Annotated[bool, typer.Option("--encoder-onnx", help="Also the encoder as ONNX, for other programs.")]
Data = Annotated[Path | None, typer.Option(metavar="DIR", help="Data directory; default: the settings'.")]


def register(app: typer.Typer) -> None:
    models = typer.Typer(no_args_is_help=True)
    models.command("list")(list_models)
    models.command("verify")(verify_models)
    models.command("import")(import_model)
    models.command("pull")(pull_model)
    models.command("convert")(convert_weights)
    models.command("golden")(judge_golden)
    app.add_typer(models, name="models", help="Model releases.")


def list_models() -> None:
    """The models that come with the code, and those that were imported."""
    from segmenter.manifest import read_manifest, releases_in, shipped

    with told():
        for folder in [*shipped(), *releases_in(imported())]:
            manifest = read_manifest(folder)
            size = sum(file["bytes"] for file in manifest["files"].values()) / 1e6
            typer.echo(f"{manifest['name']} {manifest['version']}  {manifest['digest'][:12]}  {size:.1f} MB  {folder}")


def verify_models(
    folders: Annotated[list[Path] | None, typer.Argument(help="Release folders; by default all that are here.")] = None,
) -> None:
    """Check that releases are whole: every file with its manifest's digest, graphs that point to no other file."""
    from segmenter.graph_check import check_graphs
    from segmenter.manifest import files_of, releases_in, shipped, verify

    with told():
        for folder in folders or [*shipped(), *releases_in(imported())]:
            manifest = verify(folder)
            check_graphs([folder / name for name in files_of(manifest) if name.endswith(".onnx")])
            typer.echo(f"{manifest['name']} {manifest['version']} is whole ({manifest['digest'][:12]})")


def import_model(
    file: Annotated[Path, typer.Argument(help="A checkpoint: .pth, .pt or .safetensors.", dir_okay=False)],
    name: Annotated[str | None, typer.Option(help="Of the release; default: the recognised model's.")] = None,
    version: Annotated[str, typer.Option(help="Written into the release.")] = "1",
    frame: Frame = None,
    half: Half = False,
    encoder_onnx: EncoderOnnx = False,
    data: Data = None,
) -> None:
    """Make a release of a checkpoint: Segment Anything ViT-B, -L, -H or of other sizes, MobileSAM, or one of ours.

    The file is read in a child process with limits; nothing in it is executed.
    """
    with told():
        _import(file, name, version, frame, half, encoder_onnx, data)


def pull_model(
    name: Annotated[str, typer.Argument(help="vit_b, vit_l, vit_h or mobile_sam.")],
    url: Annotated[str | None, typer.Option(help="A mirror of the file; the digest must be the official one.")] = None,
    frame: Frame = None,
    half: Half = False,
    encoder_onnx: EncoderOnnx = False,
    data: Data = None,
) -> None:
    """Download an official checkpoint, check its digest, and make a release of it. Goes on where it broke off."""
    from rich.progress import Progress

    from backend.download import download
    from backend.official import OFFICIAL

    if name not in OFFICIAL:
        raise NotFound(f"there is no official checkpoint {name}; there are {', '.join(OFFICIAL)}")
    wanted = OFFICIAL[name]
    file = settings_with(data_dir=data).data_dir / "downloads" / wanted.file_name
    typer.echo(f"{wanted.file_name}: {wanted.size / 1e6:.0f} MB, licence {wanted.licence}, {wanted.home}")
    with told():
        if not file.exists():
            with Progress() as progress:
                task = progress.add_task("downloading", total=wanted.size)
                try:
                    download(
                        url or wanted.url,
                        file,
                        wanted.size,
                        wanted.sha256,
                        lambda there, total: progress.update(task, completed=there, total=total),
                    )
                except Unavailable as error:
                    raise Unavailable(f"{error.detail}. {_by_hand(name, url or wanted.url)}") from error
        _import(file, name if frame is None else f"{name}-{frame}", "1", frame, half, encoder_onnx, data)
    file.unlink()


def _by_hand(name: str, url: str) -> str:
    return (
        f"Without a network: download {url} on another machine, bring the file here, and run "
        f"`maskmill models import FILE --name {name}`."
    )


def _import(
    file: Path, name: str | None, version: str, frame: int | None, half: bool, encoder_onnx: bool, data: Path | None
) -> None:
    from backend.official import OFFICIAL
    from segmenter.importing import Origin, import_checkpoint

    typer.echo(f"reading {file} ...")
    origins = {known.sha256: Origin(known.licence, known.home) for known in OFFICIAL.values()}
    folder, manifest = import_checkpoint(
        file, imported(data), name, version, frame, "half" if half else "full", encoder_onnx, origins
    )
    typer.echo(f"release: {folder}  {manifest['digest'][:12]}  frame {manifest['frame']}")
    typer.echo(f"serve it: MASKMILL_RELEASE_DIR={folder} maskmill serve")


def convert_weights(
    source: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A release or a weights file.")],
    target: Annotated[Path, typer.Argument(help="The file to write: .pth (official layout) or .safetensors.")],
    frame: Frame = None,
    half: Half = False,
) -> None:
    """Write weights as the official .pth, which the reference loads, or as safetensors with their configuration."""
    with told():
        from segmenter.checkpoint import load_any, save_official, save_weights
        from segmenter.resolution import resized

        if target.suffix not in (".pth", ".safetensors") or (half and target.suffix == ".pth"):
            raise ValueError("the file to write ends in .safetensors or .pth, and a .pth is in full precision")
        state, config = load_any(weights_of(source))
        if frame is not None:
            state, config = resized(state, config, frame)
        if target.suffix == ".pth":
            save_official(target, state, config)
        else:
            save_weights(target, state, config, "half" if half else "full")
    typer.echo(f"weights: {target}  {target.stat().st_size / 1e6:.1f} MB")


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
