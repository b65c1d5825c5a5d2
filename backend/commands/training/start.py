"""What a run of `train` begins with: recipe, images, device, weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.commands import weights_of

if TYPE_CHECKING:
    import torch

    from segmenter.build import Model
    from segmenter.config import ModelConfig, TrainConfig
    from segmenter.training.augment import Picture
    from segmenter.training.pictures import Reader
    from segmenter.training.scenes import Scene
    from segmenter.training.snapshot import Snapshot


def recipe_of(preset: str | None, given: dict[str, Any]) -> TrainConfig:
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


def device_named(name: str) -> torch.device:
    import torch

    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"no device {name}; there are auto, cpu and cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("there is no GPU that torch can use")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class TrainingImages:
    """Where the images come from: COCO folders with a split file, or a snapshot, in lines or in shards."""

    folders: list[Path]
    split: Path | None
    snapshot: Path | None = None
    loaders: int = 0
    textures: Path | None = None

    def __post_init__(self) -> None:
        if bool(self.folders) == bool(self.snapshot):
            raise ValueError("training reads either --data or a --snapshot")
        if self.snapshot is not None and self.split is not None:
            raise ValueError("a snapshot is split already: --split goes with --data")
        if self.snapshot is not None and self.textures is not None:
            raise ValueError("a snapshot holds all that is learned from: --textures goes with --data")

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

    def more_textures(self, long_side: int) -> list[Picture]:
        """The pictures of --textures, shrunk to ``long_side``."""
        from segmenter.training.scenes import read_textures

        return [] if self.textures is None else read_textures(self.textures, long_side)

    def readers(self) -> list[Reader]:
        """The pictures alone, one by one as they are asked for."""
        from segmenter.data import read_split
        from segmenter.training.pictures import folder_readers, snapshot_readers
        from segmenter.training.snapshot import open_snapshot

        if self.snapshot is None:
            return folder_readers(self.folders, read_split(self.split, "train"))
        return snapshot_readers(open_snapshot(self.snapshot))


@dataclass(frozen=True)
class Beginning:
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
