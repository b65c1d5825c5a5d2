"""`models export`: a model for the browser or for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.commands import told, weights_of

if TYPE_CHECKING:
    from segmenter.build import Model


class Format(StrEnum):
    browser = "browser"
    official = "official"
    samexporter = "samexporter"


def register(app: typer.Typer) -> None:
    """Adds to the group that releases.py made."""
    models = next(group.typer_instance for group in app.registered_groups if group.name == "models")
    assert models is not None
    models.command("export")(export_model)


def export_model(
    model: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Shipped model, release folder or weights file.")],
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="browser: a release folder; official: Segment Anything's ONNX decoder; "
            "samexporter: encoder and decoder as AnyLabeling and X-AnyLabeling load them.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the files go.")],
    single_mask: Annotated[
        bool | None,
        typer.Option("--single-mask/--all-masks", help="One mask, or all four; as a rule one for samexporter."),
    ] = None,
    stability_scores: Annotated[bool, typer.Option(help="Stability in the place of predicted IoU.")] = False,
    metrics: Annotated[bool, typer.Option(help="Also output the stability and area of full-size masks.")] = False,
    name: Annotated[
        str | None, typer.Option(help="Name in the metadata; default: the release's or the file's.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Version in the metadata; default: the release's, or 0.")] = None,
) -> None:
    """Write a model as ONNX, each graph compared with torch before it is kept."""
    with told():
        from segmenter.checkpoint import load_model
        from segmenter.interop import DecoderOptions, write_official, write_samexporter

        weights = weights_of(model)
        named = _names(weights, name, version)
        network = load_model(weights)
        if form is Format.browser:
            _release(network, *named, out)
        else:
            single = form is Format.samexporter if single_mask is None else single_mask
            write = write_official if form is Format.official else write_samexporter
            worst = write(network, *named, out, DecoderOptions(single, stability_scores, metrics))
            told_apart = ", ".join(f"{output} {value:.1g}" for output, value in worst.items())
            typer.echo(f"largest differences from torch: {told_apart}")
    for file in sorted(out.iterdir()):
        typer.echo(f"{file}  {file.stat().st_size / 1e6:.1f} MB")


def _names(weights: Path, name: str | None, version: str | None) -> tuple[str, str]:
    from segmenter.manifest import MANIFEST, read_manifest

    of_release = read_manifest(weights.parent) if (weights.parent / MANIFEST).is_file() else {}
    return name or of_release.get("name", weights.stem), version or of_release.get("version", "0")


def _release(network: Model, name: str, version: str, out: Path) -> None:
    from tempfile import TemporaryDirectory

    from segmenter.checkpoint import save_weights
    from segmenter.export import write_release
    from segmenter.interop import all_or_nothing

    with TemporaryDirectory() as folder, all_or_nothing(out) as draft:
        weights = Path(folder) / "weights.safetensors"
        save_weights(weights, network.state_dict(), network.config)
        write_release(weights, name, version, draft)
