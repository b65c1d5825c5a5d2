"""`train` and `calibrate`: from pictures with masks to a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.commands import DataFolders, Split, told, weights_of

if TYPE_CHECKING:
    import random

    import torch

    from segmenter.build import Model
    from segmenter.config import ModelConfig, TrainConfig
    from segmenter.training.batches import Source
    from segmenter.training.embedded import Embeddings
    from segmenter.training.loop import Group
    from segmenter.training.modes import Lesson
    from segmenter.training.pictures import Reader
    from segmenter.training.scenes import Scene
    from segmenter.training.snapshot import Snapshot


def register(app: typer.Typer) -> None:
    app.command()(train)
    app.command()(calibrate)


def train(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where checkpoint, metrics, previews and weights go.")],
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="COCO folder (images/ + annotations.json) or one above."),
    ] = None,
    split: Split = None,
    snapshot: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Instead of --data: a snapshot; what it holds out is not seen.")
    ] = None,
    loaders: Annotated[
        int, typer.Option(min=0, help="Of a snapshot in shards: processes that read and decode ahead.")
    ] = 0,
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

        images_of = _TrainingImages(data or [], split, snapshot, loaders)
        given: dict[str, Any] = {
            "minutes": minutes,
            "steps": steps,
            "images_per_step": images,
            "masks_per_image": masks,
        }
        given |= {
            "embeddings": embeddings,
            "mode": mode,
            "accumulate": accumulate,
            "precision": precision,
            "threads": threads,
            "seed": seed,
        }
        recipe = _recipe(preset, given)
        begin = _Beginning(recipe, init, model, frame, _device(device), teacher, clip, learn)
        with joined() as group:
            _train(images_of, out, begin, group)
        if release is not None and group.rank == 0:
            from segmenter.export import write_release

            write_release(out / "weights.safetensors", release.name, version, release)
            typer.echo(f"release: {release}")


@dataclass(frozen=True)
class _TrainingImages:
    """Where the images come from: COCO folders with a split file, or a snapshot, in lines or in shards."""

    folders: list[Path]
    split: Path | None
    snapshot: Path | None
    loaders: int

    def __post_init__(self) -> None:
        if bool(self.folders) == bool(self.snapshot):
            raise ValueError("training reads either --data or a --snapshot")
        if self.snapshot is not None and self.split is not None:
            raise ValueError("a snapshot is split already: --split goes with --data")

    def shards(self) -> Snapshot | None:
        """The snapshot, where it is too large for memory: in shards."""
        from segmenter.training.snapshot import open_snapshot

        opened = None if self.snapshot is None else open_snapshot(self.snapshot)
        return opened if opened is not None and "shards" in opened.header else None

    def scenes(self, long_side: int) -> dict[str, list[Scene]]:
        """The scenes by set; of a snapshot in shards only the first ones, to look at and to paste from."""
        from segmenter.data import find_coco_folders, read_split
        from segmenter.training.scenes import read_scenes, snapshot_scenes
        from segmenter.training.snapshot import open_snapshot
        from segmenter.training.stream import POOL

        if self.snapshot is None:
            return read_scenes(find_coco_folders(self.folders), read_split(self.split, "train"), long_side)
        return snapshot_scenes(open_snapshot(self.snapshot), long_side, POOL if self.shards() else None)

    def readers(self) -> list[Reader]:
        """The pictures alone, one by one as they are asked for."""
        from segmenter.data import read_split
        from segmenter.training.pictures import folder_readers, snapshot_readers
        from segmenter.training.snapshot import open_snapshot

        if self.snapshot is None:
            return folder_readers(self.folders, read_split(self.split, "train"))
        return snapshot_readers(open_snapshot(self.snapshot))


def _recipe(preset: str | None, given: dict[str, Any]) -> TrainConfig:
    """The preset with what the command line says instead; ValueError for what does not exist."""
    from dataclasses import replace
    from typing import get_args

    from segmenter.config import TRAIN_PRESETS, Kept, Mode, Precision

    preset = preset or (given["mode"] if given["mode"] in TRAIN_PRESETS else "starter")
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


@dataclass(frozen=True)
class _Beginning:
    """What a run begins with: weights, or a model of a name; and what single modes need beside it.

    ValueError where a mode lacks something, or was given what it does not know.
    """

    recipe: TrainConfig
    init: str | None
    name: str
    frame: int | None
    device: torch.device
    teacher: str | None
    clip: Path | None
    learn: str

    def __post_init__(self) -> None:
        from segmenter.config import MODEL_CONFIGS

        mode = self.recipe.mode
        if self.init is None and mode in ("decoder", "text"):
            raise ValueError(f"mode {mode} needs --init: the weights whose image encoder stays as it is")
        for option, given, its in (("--teacher", self.teacher, "distill"), ("--clip", self.clip, "text")):
            if (given is None) == (mode == its):
                raise ValueError(f"mode {its} needs {option}" if mode == its else f"{option} goes with --mode {its}")
        if self.learn != "projection" and mode != "text":
            raise ValueError("--learn goes with --mode text")
        if self.init is None and self.name not in MODEL_CONFIGS:
            raise ValueError(f"no model {self.name}; there are {', '.join(MODEL_CONFIGS)}")

    def weights(self) -> tuple[dict[str, torch.Tensor], ModelConfig] | None:
        """Those of --init, with their configuration, at the frame that was asked for."""
        from segmenter.checkpoint import load_any
        from segmenter.resolution import resized

        if self.init is None:
            return None
        state, config = load_any(weights_of(self.init))
        return (state, config) if self.frame is None else resized(state, config, self.frame)

    def named(self, frame: int | None) -> ModelConfig:
        """The configuration of --model, at ``frame`` where that says so."""
        from segmenter.config import MODEL_CONFIGS
        from segmenter.resolution import framed

        config = MODEL_CONFIGS[self.name]
        return config if frame is None else framed(config, frame)

    def model(self) -> Model:
        """The model to begin with; torch's chance is seeded first."""
        import torch

        from segmenter.build import build
        from segmenter.checkpoint import model_of

        torch.manual_seed(self.recipe.seed)
        weights = self.weights()
        model = build(self.named(self.frame)) if weights is None else model_of(*weights)
        return model.to(self.device)


def _from_pictures(begin: _Beginning, data: _TrainingImages, out: Path, say: Callable[[str], None]) -> Lesson:
    """What modes "distill" and "mae" learn, from pictures alone."""
    import torch

    from segmenter.checkpoint import load_model
    from segmenter.training.modes import distilling, reconstructing

    readers = data.readers()
    say(f"{len(readers)} pictures to learn from")
    if begin.teacher is None:
        return reconstructing(begin.model(), begin.init is None, readers, begin.recipe)
    teacher = load_model(weights_of(begin.teacher)).to(begin.device)
    torch.manual_seed(begin.recipe.seed)
    state, config = begin.weights() or (None, begin.named(begin.frame or teacher.config.frame))
    return distilling(teacher, config, state, readers, begin.recipe, out / "embeddings")


def _from_masks(
    begin: _Beginning, data: _TrainingImages, out: Path, say: Callable[[str], None], group: Group
) -> Lesson:
    """What the other modes learn, from pictures with masks."""
    from dataclasses import replace

    from segmenter.training.clip_crops import load_image_side
    from segmenter.training.embedded import Embedded, kept_in
    from segmenter.training.modes import Lesson, depicting
    from segmenter.training.prompting import Prompting, fitting
    from segmenter.training.regularise import regularise
    from segmenter.training.scenes import LONG_SIDE, Sampler, examples
    from segmenter.training.stream import StreamedSampler
    from segmenter.training.text_token import learning

    clip = None if begin.clip is None else load_image_side(begin.clip, begin.device)
    model = begin.model()
    recipe = fitting(begin.recipe, model.config)
    if begin.learn == "all":
        recipe = replace(recipe, augmentation="jitter")  # as in the paper; embeddings are made anew anyway
    say("reading the training images ...")
    long_side = max(LONG_SIDE, model.config.frame)
    scenes, shards = data.scenes(long_side), data.shards()
    for name, members in scenes.items() if shards is None else ():
        say(f"  {name}: {len(members)} images")
    regularise(model, recipe)

    def drawn(chance: random.Random, slot: int, slots: int) -> Source:
        if shards is None:
            return Sampler(scenes, recipe, chance)
        return StreamedSampler(shards, scenes, recipe, chance, slot, slots, long_side, data.loaders)

    lesson = Lesson(Prompting(model, recipe), drawn, recipe, model, examples(scenes))
    if clip is not None:
        return depicting(model, clip, learning(begin.learn), lesson, out / "embeddings")
    embeddings = kept_in(out / "embeddings", model, recipe) if recipe.mode == "decoder" else None
    if embeddings is None:
        return lesson
    if shards is None:
        _embed(embeddings, scenes, group)
    return replace(lesson, source_of=lambda *slot: Embedded(drawn(*slot), embeddings))


def _train(data: _TrainingImages, out: Path, begin: _Beginning, group: Group) -> None:
    from segmenter.training.distributed import slots_of
    from segmenter.training.loop import train as run
    from segmenter.training.watch import Watch

    def say(text: str) -> None:
        if group.rank == 0:
            typer.echo(text)

    if begin.recipe.mode in ("distill", "mae"):
        lesson = _from_pictures(begin, data, out, say)
    else:
        lesson = _from_masks(begin, data, out, say, group)
    slots = slots_of(group, lesson.recipe, lesson.source_of)
    with _stoppable() as stop, _progress(shown=group.rank == 0) as report:
        watch = Watch(out, report, lesson.shown, lesson.examples)
        weights = run(lesson.task, slots, lesson.recipe, out, stop=stop, group=group, watch=watch)
    say(f"weights: {weights}")


def _embed(embeddings: Embeddings, scenes: Mapping[str, Sequence[Scene]], group: Group) -> None:
    """Makes the embeddings of all scenes now, each process its share, so that training takes only its own time."""
    from rich.progress import Progress

    from segmenter.training.augment import whole

    members = [scene for found in scenes.values() for scene in found][group.rank :: group.size]
    side = embeddings.model.config.frame
    pictures = (whole(scene.picture, scene.annotators[0], side)[0] for scene in members)
    with Progress(disable=group.rank > 0) as progress:
        task = progress.add_task("embedding the images", total=1.0)
        embeddings.make(pictures, len(members), lambda share: progress.update(task, completed=share))
        progress.update(task, completed=1.0)
    group.gathered(None)  # nobody begins before all are there


@contextmanager
def _progress(shown: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A progress bar that takes the lines of metrics."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, disable=not shown) as progress:
        task = progress.add_task("training", total=1.0)

        def report(metrics: dict[str, Any]) -> None:
            parts = [f"step {metrics['step']}", f"{metrics['images_per_second']} images/s"]
            if "loss" in metrics:
                parts.append(f"loss {metrics['loss']:.4g}")
            if "best_of_three_first" in metrics:
                parts.append(f"IoU {metrics['best_of_three_first']:.2f} → {metrics['iou_last']:.2f}")
            parts.append(f"{timedelta(seconds=metrics['eta_seconds'])} left")
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
