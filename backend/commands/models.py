"""`train`, `evaluate`, `models`, `segment`: the model from the command line, without a server."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.errors import Invalid

if TYPE_CHECKING:
    from segmenter.config import TrainConfig
    from segmenter.predict import Candidates
    from segmenter.prompts import Box, Point

DataFolders = Annotated[
    list[Path],
    typer.Option("--data", metavar="DIR", help="COCO folder (images/ + annotations.json) or one above."),
]
Split = Annotated[Path | None, typer.Option("--split", metavar="FILE", help="Names the images to use, per set.")]
ModelName = Annotated[str, typer.Option("--model", metavar="NAME|FILE", help="Shipped model, release folder or file.")]


def register(app: typer.Typer) -> None:
    app.command()(train)
    evaluate, models, segment = typer.Typer(no_args_is_help=True), typer.Typer(no_args_is_help=True), typer.Typer()
    evaluate.callback(help="Measure a model.")(lambda: None)
    segment.callback(help="Masks from the command line.", no_args_is_help=True)(lambda: None)
    evaluate.command("clicks")(evaluate_clicks)
    models.command("list")(list_models)
    models.command("verify")(verify_models)
    segment.command("click")(segment_click)
    app.add_typer(evaluate, name="evaluate")
    app.add_typer(models, name="models", help="Model releases.")
    app.add_typer(segment, name="segment")


@contextmanager
def _told() -> Iterator[None]:
    """Turns what the segmenter and the file system say of bad input into the one-line errors of the command line.

    Torch is imported inside, so that its threads learn to wait quietly first.
    """
    from workers.model_cache import quiet_threads

    quiet_threads()
    try:
        yield
    except (ValueError, OSError, FloatingPointError) as error:  # the last: a training run that diverged
        raise Invalid(str(error)) from error


def train(
    data: DataFolders,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where checkpoint, metrics and weights go.")],
    split: Split = None,
    preset: Annotated[str, typer.Option(help="Recipe: starter, continued, ranking or paper.")] = "starter",
    init: Annotated[str | None, typer.Option(metavar="NAME|FILE", help="Start from these weights.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Length of the schedule in minutes of wall time.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 takes all.")] = 0,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn by chance.")] = 0,
    release: Annotated[Path | None, typer.Option(metavar="DIR", help="Also make a release folder.")] = None,
    version: Annotated[str, typer.Option(help="Version written into the release.")] = "0",
) -> None:
    """Train the starter model, from scratch or from --init; a run that was stopped goes on from what lies in --out."""
    with _told():
        _train(data, out, split, _recipe(preset, minutes, threads, seed), init)
        if release is not None:
            from segmenter.export import write_release

            write_release(out / "weights.safetensors", release.name, version, release)
            typer.echo(f"release: {release}")


def _recipe(preset: str, minutes: float | None, threads: int, seed: int) -> TrainConfig:
    from dataclasses import replace

    from segmenter.config import TRAIN_PRESETS

    if preset not in TRAIN_PRESETS:
        raise ValueError(f"no preset {preset}; there are {', '.join(TRAIN_PRESETS)}")
    recipe = replace(TRAIN_PRESETS[preset], threads=threads, seed=seed)
    return recipe if minutes is None else replace(recipe, minutes=minutes)


def _train(data: list[Path], out: Path, split: Path | None, recipe: TrainConfig, init: str | None) -> None:
    import random

    import torch
    from rich.progress import Progress

    from segmenter.checkpoint import load_model
    from segmenter.config import MODEL_CONFIGS
    from segmenter.data import Sampler, find_coco_folders, read_scenes, read_split
    from segmenter.manifest import find_weights
    from segmenter.modeling.starter import Starter
    from segmenter.train import train as run

    rng = random.Random(recipe.seed)
    torch.manual_seed(recipe.seed)
    typer.echo("reading the training images ...")
    scenes = read_scenes(find_coco_folders(data), read_split(split, "train"))
    for name, members in scenes.items():
        typer.echo(f"  {name}: {len(members)} images")
    sampler = Sampler(scenes, recipe.synthetic_share, recipe.paste_share, rng, recipe.whole_share)
    model = load_model(find_weights(init)) if init else Starter(MODEL_CONFIGS["starter"])
    if not isinstance(model, Starter):
        raise ValueError(f"{init} is not a starter model; only such are trained here")
    with Progress() as progress:
        task = progress.add_task("training", total=1.0)

        def report(metrics: dict[str, Any]) -> None:
            text = f"step {metrics['step']}, IoU {metrics['best_of_three_first']:.2f} → {metrics['iou_last']:.2f}"
            progress.update(task, completed=metrics["progress"], description=text)

        weights = run(model, sampler, recipe, out, rng, report)
    typer.echo(f"weights: {weights}")


def evaluate_clicks(
    data: DataFolders,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where metrics.json goes.")],
    model: ModelName = "starter",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first N images of each set that have a mask to ask for.")
    ] = None,
    split: Split = None,
    baselines: Annotated[bool, typer.Option(help="Also superpixels and GrabCut from the same clicks.")] = True,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0 takes one per CPU core.")] = 0,
) -> None:
    """Mean IoU after 1, 2, 3, 5 and 9 simulated clicks, per data set."""
    from rich.progress import Progress

    from segmenter.data import find_coco_folders, read_split
    from segmenter.evaluate import clicks
    from segmenter.evaluate.baselines import BASELINES
    from segmenter.manifest import find_weights

    with _told(), Progress() as progress:
        task = progress.add_task("evaluating", total=None)
        metrics = clicks.evaluate_clicks(
            find_coco_folders(data),
            str(find_weights(model)),
            out,
            read_split(split, "evaluate"),
            limit,
            tuple(BASELINES) if baselines else (),
            jobs or os.cpu_count() or 1,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    for name, row in [*metrics["datasets"].items(), ("macro", metrics["macro"])]:
        figures = "  ".join(f"{count}: {row[f'miou@{count}']:.3f}" for count in clicks.REPORTED)
        typer.echo(f"{name:16} {figures}  best of three: {row['oracle@1']:.3f}")
    typer.echo(f"figures: {out / 'metrics.json'}")


def list_models() -> None:
    """The models that come with the code."""
    from segmenter.manifest import read_manifest, shipped

    with _told():
        for folder in shipped():
            manifest = read_manifest(folder)
            size = sum(file["bytes"] for file in manifest["files"].values()) / 1e6
            typer.echo(f"{manifest['name']} {manifest['version']}  {manifest['digest'][:12]}  {size:.1f} MB  {folder}")


def verify_models(
    folders: Annotated[list[Path] | None, typer.Argument(help="Release folders; the shipped ones by default.")] = None,
) -> None:
    """Check that releases are whole: every file there, with the digest that its manifest names."""
    from segmenter.manifest import shipped, verify

    with _told():
        for folder in folders or shipped():
            manifest = verify(folder)
            typer.echo(f"{manifest['name']} {manifest['version']} is whole ({manifest['digest'][:12]})")


def segment_click(
    image: Annotated[Path, typer.Argument(help="The picture: JPEG, PNG, WebP or TIFF.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The JSON file to write.")],
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y[,0|1]", help="A click in pixels: 1 adds (default), 0 subtracts."),
    ] = None,
    box: Annotated[str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="A box around the object, in pixels.")] = None,
    model: ModelName = "starter",
) -> None:
    """The masks of one object, from clicks or a box: three candidates, best first, and the single mask."""
    with _told():
        from backend.images import read
        from segmenter.checkpoint import load_model
        from segmenter.manifest import find_weights
        from segmenter.predict import answer, embed
        from segmenter.prompts import Prompt

        picture = read(image)
        size = picture.rgb.shape[0], picture.rgb.shape[1]
        points = tuple(_point(text, size) for text in point or ())
        prompt = Prompt(points, _box(box, size) if box else None)
        network = load_model(find_weights(model))
        candidates = answer(network, embed(network, picture.rgb), prompt)
        out.write_text(json.dumps(_masks(candidates)) + "\n", encoding="utf-8")
    typer.echo(f"masks: {out}")


def _numbers(text: str, counts: tuple[int, ...], form: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in counts:
        raise ValueError(f"{text} is not of the form {form}")
    return values


def _point(text: str, size: tuple[int, int]) -> Point:
    from segmenter.prompts import Point

    x, y, *label = _numbers(text, (2, 3), "x,y or x,y,0 or x,y,1")
    if label not in ([], [0.0], [1.0]):
        raise ValueError(f"the label of point {text} is neither 0 nor 1")
    if not (0 <= x < size[1] and 0 <= y < size[0]):
        raise ValueError(f"point {text} lies outside the picture of {size[1]} x {size[0]} pixels")
    return Point(x, y, int(label[0]) if label else 1)


def _box(text: str, size: tuple[int, int]) -> Box:
    from segmenter.prompts import Box

    x0, y0, x1, y1 = _numbers(text, (4,), "x0,y0,x1,y1")
    if not (0 <= x0 < x1 <= size[1] and 0 <= y0 < y1 <= size[0]):
        raise ValueError(f"box {text} is empty or reaches outside the picture of {size[1]} x {size[0]} pixels")
    return Box(x0, y0, x1, y1)


def _masks(candidates: Candidates) -> dict[str, Any]:
    from segmenter.masks import encode

    def entry(token: int) -> dict[str, Any]:
        mask = {"segmentation": encode(candidates.mask(token))}
        return mask | {"predicted_iou": float(candidates.predicted_iou[token])}

    return {"size": list(candidates.size), "masks": [entry(token) for token in candidates.ranked], "single": entry(0)}
