"""`train` and `calibrate`: from pictures with masks to a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.commands import DataFolders, Split, told, weights_of

if TYPE_CHECKING:
    import torch

    from segmenter.build import Model
    from segmenter.config import TrainConfig
    from segmenter.training.embedded import Embeddings
    from segmenter.training.scenes import Scene


def register(app: typer.Typer) -> None:
    app.command()(train)
    app.command()(calibrate)


def train(
    data: DataFolders,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where checkpoint, metrics, previews and weights go.")],
    split: Split = None,
    mode: Annotated[str, typer.Option(help="What learns: full, or the decoder alone.")] = "full",
    preset: Annotated[str, typer.Option(help="Recipe: starter, continued, paper ... (docs/training.md).")] = "starter",
    init: Annotated[str | None, typer.Option(metavar="NAME|FILE", help="Start from these weights.")] = None,
    model: Annotated[str, typer.Option(help="Without --init: starter, vit_t, vit_b, vit_l or vit_h.")] = "starter",
    minutes: Annotated[float | None, typer.Option(help="Length of the schedule in minutes of wall time.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Length of the schedule in steps instead.")] = None,
    images: Annotated[int | None, typer.Option(min=1, help="Images a step, of each of its parts.")] = None,
    masks: Annotated[int | None, typer.Option(min=1, help="Masks asked for on each image, at most.")] = None,
    accumulate: Annotated[int, typer.Option(min=1, help="Parts of a step whose gradients are added up.")] = 1,
    embeddings: Annotated[str, typer.Option(help="Of mode decoder: half or exact; kept in --out.")] = "half",
    precision: Annotated[str, typer.Option(help="float32, bfloat16, or on a GPU float16.")] = "float32",
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads; 0 takes all.")] = 0,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn by chance.")] = 0,
    release: Annotated[Path | None, typer.Option(metavar="DIR", help="Also make a release folder.")] = None,
    version: Annotated[str, typer.Option(help="Version written into the release.")] = "0",
) -> None:
    """Train a model, from scratch or from --init; a run that was stopped goes on from what lies in --out."""
    with told():
        given: dict[str, Any] = {
            "minutes": minutes,
            "steps": steps,
            "images_per_step": images,
            "masks_per_image": masks,
        }
        given |= {"embeddings": embeddings} if mode == "decoder" else {}
        given |= {"mode": mode, "accumulate": accumulate, "precision": precision, "threads": threads, "seed": seed}
        _train(data, out, split, _recipe(preset, given), _model(init, model, mode, seed, _device(device)))
        if release is not None:
            from segmenter.export import write_release

            write_release(out / "weights.safetensors", release.name, version, release)
            typer.echo(f"release: {release}")


def _recipe(preset: str, given: dict[str, Any]) -> TrainConfig:
    """The preset with what the command line says instead; ValueError for what does not exist."""
    from dataclasses import replace
    from typing import get_args

    from segmenter.config import TRAIN_PRESETS, Kept, Mode, Precision

    if preset not in TRAIN_PRESETS:
        raise ValueError(f"no preset {preset}; there are {', '.join(TRAIN_PRESETS)}")
    for name, kind in (("mode", Mode), ("precision", Precision), ("embeddings", Kept)):
        known = get_args(kind)
        if given.get(name, known[0]) not in known:
            raise ValueError(f"no {name} {given[name]}; there are {', '.join(known)}")
    said = {name: value for name, value in given.items() if value is not None}
    if "minutes" in said and "steps" not in said:
        said["steps"] = None
    return replace(TRAIN_PRESETS[preset], **said)


def _device(name: str) -> torch.device:
    import torch

    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"no device {name}; there are auto, cpu and cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("there is no GPU that torch can use")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def _model(init: str | None, name: str, mode: str, seed: int, device: torch.device) -> Model:
    """The model to begin with, in training mode; torch's chance is seeded first."""
    import torch

    from segmenter.build import build
    from segmenter.checkpoint import load_model
    from segmenter.config import MODEL_CONFIGS

    torch.manual_seed(seed)
    if mode == "decoder" and init is None:
        raise ValueError("mode decoder needs --init: the weights whose image encoder stays as it is")
    if init is not None:
        return load_model(weights_of(init)).to(device)
    if name not in MODEL_CONFIGS:
        raise ValueError(f"no model {name}; there are {', '.join(MODEL_CONFIGS)}")
    return build(MODEL_CONFIGS[name]).to(device)


def _train(data: list[Path], out: Path, split: Path | None, recipe: TrainConfig, model: Model) -> None:
    import random

    from segmenter.data import find_coco_folders, read_split
    from segmenter.training.batches import Slot, Source
    from segmenter.training.embedded import Embedded
    from segmenter.training.loop import train as run
    from segmenter.training.prompting import Prompting, fitting
    from segmenter.training.regularise import regularise
    from segmenter.training.scenes import LONG_SIDE, Sampler, examples, read_scenes
    from segmenter.training.watch import Watch

    if recipe.mode not in ("full", "decoder"):
        raise ValueError(f"mode {recipe.mode} is not one of full, decoder")
    recipe = fitting(recipe, model.config)
    typer.echo("reading the training images ...")
    long_side = max(LONG_SIDE, model.config.frame)
    scenes = read_scenes(find_coco_folders(data), read_split(split, "train"), long_side)
    for name, members in scenes.items():
        typer.echo(f"  {name}: {len(members)} images")
    regularise(model, recipe)
    chances = [random.Random(recipe.seed + number) for number in range(recipe.accumulate)]
    sources: list[Source] = [Sampler(scenes, recipe, chance) for chance in chances]
    if recipe.mode == "decoder":
        embeddings = _embeddings(out / "embeddings", model, recipe, scenes)
        sources = [Embedded(source, embeddings) for source in sources]
    slots = [Slot(source, chance) for source, chance in zip(sources, chances, strict=True)]
    with _stoppable() as stop, _progress() as report:
        watch = Watch(out, report, model, examples(scenes))
        weights = run(Prompting(model, recipe), slots, recipe, out, stop=stop, watch=watch)
    typer.echo(f"weights: {weights}")


def _embeddings(folder: Path, model: Model, recipe: TrainConfig, scenes: Mapping[str, Sequence[Scene]]) -> Embeddings:
    """The kept embeddings of all scenes, whole; what is missing is made now, so that training takes only its time."""
    from rich.progress import Progress

    from segmenter.training.augment import whole
    from segmenter.training.embedded import Embeddings

    embeddings = Embeddings(folder, model, recipe.embeddings)
    members = [scene for found in scenes.values() for scene in found]
    pictures = (whole(scene.picture, scene.annotators[0], model.config.frame)[0] for scene in members)
    with Progress() as progress:
        task = progress.add_task("embedding the images", total=1.0)
        embeddings.make(pictures, len(members), lambda share: progress.update(task, completed=share))
        progress.update(task, completed=1.0)
    return embeddings


@contextmanager
def _progress() -> Iterator[Callable[[dict[str, Any]], None]]:
    """A progress bar that takes the lines of metrics."""
    from rich.progress import Progress

    with Progress() as progress:
        task = progress.add_task("training", total=1.0)

        def report(metrics: dict[str, Any]) -> None:
            parts = [f"step {metrics['step']}", f"{metrics['images_per_second']} images/s"]
            if "best_of_three_first" in metrics:
                parts.append(f"IoU {metrics['best_of_three_first']:.2f} → {metrics['iou_last']:.2f}")
            progress.update(task, completed=metrics["progress"], description=", ".join(parts))

        yield report


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Whether somebody asked to stop: a first SIGTERM or Ctrl+C is heard here, a second one ends the process."""
    import signal

    asked: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def heard(number: int, _: object) -> None:
        asked.append(number)
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, heard)
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def calibrate(
    data: DataFolders,
    init: Annotated[str, typer.Option("--init", metavar="NAME|FILE", help="The trained weights.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the calibrated weights go (.safetensors).")],
    split: Split = None,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn by chance.")] = 0,
    release: Annotated[Path | None, typer.Option(metavar="DIR", help="Also make a release folder.")] = None,
    version: Annotated[str, typer.Option(help="Version written into the release.")] = "0",
) -> None:
    """Teach a trained starter to rank its candidates: only the head that predicts IoU learns, in some minutes."""
    with told():
        if out.suffix != ".safetensors":
            raise ValueError(f"--out must be a file that ends in .safetensors, not {out.name}")
        out.parent.mkdir(parents=True, exist_ok=True)  # now, not after minutes of work
        _calibrate(data, init, out, split, seed)
        if release is not None:
            from segmenter.export import write_release

            write_release(out, release.name, version, release)
            typer.echo(f"release: {release}")


def _calibrate(data: list[Path], init: str, out: Path, split: Path | None, seed: int) -> None:
    import random

    from rich.progress import Progress

    from segmenter.checkpoint import load_model, save_weights
    from segmenter.config import CalibrationConfig
    from segmenter.data import find_coco_folders, read_split
    from segmenter.modeling.starter import Starter
    from segmenter.training.calibrate import calibrate as run
    from segmenter.training.scenes import read_scenes

    model = load_model(weights_of(init))
    if not isinstance(model, Starter):
        raise ValueError(f"{init} is not a starter model; only such are calibrated here")
    typer.echo("reading the training images ...")
    scenes = read_scenes(find_coco_folders(data), read_split(split, "train"))
    with Progress() as progress:
        task = progress.add_task("asking the model", total=1.0)
        figures = run(
            model,
            scenes,
            CalibrationConfig(),
            random.Random(seed),
            lambda share: progress.update(task, completed=share),
        )
    typer.echo(
        f"on images held back: IoU of the chosen candidate {figures['chosen']:.3f}, of the best {figures['best']:.3f}; "
        f"predicted IoU is off by {figures['error']:.3f}"
    )
    save_weights(out, model.state_dict(), model.config)
    typer.echo(f"weights: {out}")
