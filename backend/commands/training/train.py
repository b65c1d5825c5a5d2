"""`train`: the options, and the run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from backend.commands import Split, told
from backend.commands.training.recipe import decided_by_a_recipe, follow
from backend.commands.training.run import run
from backend.commands.training.start import Beginning, TrainingImages, device_named, recipe_of


def train(
    context: typer.Context,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where checkpoint, metrics, previews and weights go.")],
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR...", help="COCO folders (images/ + annotations.json) or folders above."),
    ] = None,
    split: Split = None,
    snapshot: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Instead of --data: a snapshot; what it holds out is not seen.")
    ] = None,
    loaders: Annotated[
        int, typer.Option(min=0, help="Of a snapshot in shards: processes that read and decode ahead.")
    ] = 0,
    textures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photographs that fill synthetic scenes beside those of --data.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="A whole recipe, run after run, from nothing to a release: starter.")
    ] = None,
    mode: Annotated[str, typer.Option(help="What learns: full, decoder, distill, mae or text.")] = "full",
    preset: Annotated[
        str | None, typer.Option(help="Recipe (docs/training.md); by default the mode's own, or starter.")
    ] = None,
    init: Annotated[str | None, typer.Option(metavar="NAME|FILE", help="Start from these weights.")] = None,
    model: Annotated[
        str, typer.Option(help="Without --init: starter, starter_s, vit_t, vit_ti, vit_s, vit_b, vit_l or vit_h.")
    ] = "starter",
    frame: Annotated[
        int | None, typer.Option(min=32, help="Side of the model's frame in pixels; else its own.")
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Of mode distill: whose embeddings are learned.")
    ] = None,
    clip: Annotated[Path | None, typer.Option(metavar="DIR", help="Of mode text: a folder with a CLIP model.")] = None,
    learn: Annotated[str, typer.Option(help="Of mode text: projection, decoder or all.")] = "projection",
    minutes: Annotated[float | None, typer.Option(help="Length of the schedule in minutes of wall time.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Length of the schedule in steps instead.")] = None,
    images: Annotated[int | None, typer.Option(min=1, help="Images a step, of each of its parts.")] = None,
    masks: Annotated[int | None, typer.Option(min=1, help="Masks asked for on each image, at most.")] = None,
    accumulate: Annotated[int, typer.Option(min=1, help="Parts of a step whose gradients are added up.")] = 1,
    embeddings: Annotated[
        str, typer.Option(help="Those of an encoder that does not learn are kept in --out: half, exact or none.")
    ] = "half",
    precision: Annotated[str, typer.Option(help="float32, bfloat16, or on a GPU float16.")] = "float32",
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0 takes all.")] = 0,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn by chance.")] = 0,
    release: Annotated[Path | None, typer.Option(metavar="DIR", help="Also make a release folder.")] = None,
    version: Annotated[str, typer.Option(help="Version written into the release.")] = "0",
) -> None:
    """Train a model, from scratch or from --init; a run that was stopped goes on from what lies in --out.

    Under torchrun, several processes or GPUs train together (docs/scale.md).
    """
    with told():
        from segmenter.training.distributed import joined

        images_of = TrainingImages(data or [], split, snapshot, loaders, textures)
        if recipe is not None:
            follow(recipe, images_of, out, device, decided_by_a_recipe(context))
            return _released(out, release, version)
        given: dict[str, Any] = {
            "minutes": minutes,
            "steps": steps,
            "images_per_step": images,
            "masks_per_image": masks,
            "embeddings": embeddings,
            "mode": mode,
            "accumulate": accumulate,
            "precision": precision,
            "threads": threads,
            "seed": seed,
        }
        begin = Beginning(recipe_of(preset, given), init, model, frame, device_named(device), teacher, clip, learn)
        with joined() as group:
            run(images_of, out, begin, group)
        if group.rank == 0:
            _released(out, release, version)


def _released(out: Path, release: Path | None, version: str) -> None:
    if release is not None:
        from segmenter.export import write_release

        write_release(out / "weights.safetensors", release.name, version, release)
        typer.echo(f"release: {release}")
