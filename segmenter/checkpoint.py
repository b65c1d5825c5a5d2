"""Weights on disk: our own files (safetensors, the model's config in the header), releases, official checkpoints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from segmenter import manifest as names
from segmenter.build import Model, build
from segmenter.config import ModelConfig, model_config, to_dict
from segmenter.foreign import PICKLED, SAFETENSORS, Refused, read_foreign
from segmenter.manifest import InvalidRelease, Manifest, file_digest
from segmenter.recognition import Unknown, recognised
from segmenter.tensor_file import check_tensor_file

Precision = Literal["half", "full"]
WEIGHTS_FORMAT = "maskmill-weights/1"
SHOWN = 8  # names listed per kind of mismatch


class InvalidCheckpoint(ValueError):
    """The file holds no weights that fit; the text says which file and what is wrong."""


@dataclass(frozen=True)
class Release:
    """A loaded model version: the model, ready to predict, and its manifest."""

    model: Model
    manifest: Manifest


def save_weights(file: Path, state: Mapping[str, Tensor], config: ModelConfig, precision: Precision = "half") -> None:
    """Writes a state dict as safetensors with its config.

    In half precision are matrices and filters only; vectors and statistics stay in full, as everything in "full" does.
    """

    def stored(value: Tensor) -> Tensor:
        halved = precision == "half" and value.ndim > 1 and value.is_floating_point()
        return (value.half() if halved else value).detach().contiguous()

    contiguous = {name: stored(value) for name, value in state.items()}
    save_file(contiguous, file, {"format": WEIGHTS_FORMAT, "config": json.dumps(to_dict(config))})


def save_official(file: Path, state: Mapping[str, Tensor], config: ModelConfig) -> None:
    """Writes the ``.pth`` that the reference loads: one flat, pickled table of full-precision tensors.

    Raises InvalidCheckpoint for a model that the reference does not know.
    """
    if config.family != "sam":
        raise InvalidCheckpoint(f"a {config.family} model has no official layout; only Segment Anything models have")
    full = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    torch.save({name: value.detach().cpu().contiguous() for name, value in full.items()}, file)


def load_weights(file: Path) -> tuple[dict[str, Tensor], ModelConfig]:
    """Reads what :func:`save_weights` wrote, in full precision. Raises InvalidCheckpoint for any other file."""
    header = _header(file)
    if header.get("format") != WEIGHTS_FORMAT:
        raise InvalidCheckpoint(f"{file} is not a {WEIGHTS_FORMAT} file")
    state = {name: value.float() if value.is_floating_point() else value for name, value in load_file(file).items()}
    return state, _config(file, header.get("config", ""))


def _header(file: Path) -> dict[str, str]:
    try:
        return check_tensor_file(file)
    except ValueError as error:
        raise InvalidCheckpoint(f"{file} is not a safetensors file: {error}") from None


def _config(file: Path, text: str) -> ModelConfig:
    try:
        return model_config(json.loads(text))
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidCheckpoint(f"{file} describes no model that is known here: {error}") from None


def read_state(file: Path) -> dict[str, Tensor]:
    """The tensors of a stranger's ``.safetensors``, ``.pth`` or ``.pt`` file by name, on the CPU, in full precision.

    The file is read in a limited child process; nothing in it is executed. Raises InvalidCheckpoint unless it is one
    flat table of dense tensors of finite numbers.
    """
    if file.suffix not in (*PICKLED, SAFETENSORS):
        raise InvalidCheckpoint(f"{file} is neither .safetensors nor .pth nor .pt")
    try:
        return read_foreign(file)
    except Refused as refused:
        raise InvalidCheckpoint(f"{file} is refused: {refused}") from None


def recognise(state: Mapping[str, Tensor]) -> ModelConfig:
    """The configuration that a Segment Anything checkpoint belongs to, from its names and shapes."""
    try:
        return recognised(state)
    except Unknown as unknown:
        raise InvalidCheckpoint(str(unknown)) from None


def model_of(state: Mapping[str, Tensor], config: ModelConfig) -> Model:
    """The model with these weights, in evaluation mode. Names and shapes must be exactly the model's.

    Raises InvalidCheckpoint that lists what is missing, unexpected or of another shape. The tensors are not copied.
    """
    with torch.device("meta"):
        model = build(config)
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    given = {name: tuple(value.shape) for name, value in state.items()}
    types = {name: value.dtype for name, value in model.state_dict().items()}
    others = [f"{n} {state[n].dtype} instead of {types[n]}" for n in types if n in given and state[n].dtype != types[n]]
    shapes = [f"{n} {given[n]} instead of {wanted[n]}" for n in wanted if n in given and given[n] != wanted[n]]
    problems = [
        *_listed("missing", [name for name in wanted if name not in given]),
        *_listed("unexpected", [name for name in given if name not in wanted]),
        *_listed("of another shape", shapes),
        *_listed("of another type", others),
    ]
    if problems:
        raise InvalidCheckpoint(f"the weights do not fit a {config.family} model: " + "; ".join(problems))
    model.load_state_dict(state, assign=True)
    return model.eval()


def _listed(kind: str, entries: list[str]) -> Iterable[str]:
    if entries:
        more = f" and {len(entries) - SHOWN} more" if len(entries) > SHOWN else ""
        yield f"{len(entries)} {kind}: {', '.join(entries[:SHOWN])}{more}"


def load_any(file: Path) -> tuple[dict[str, Tensor], ModelConfig]:
    """Weights and config of a file: one of ours, or a Segment Anything checkpoint (.pth, .pt or .safetensors)."""
    if file.suffix == SAFETENSORS and _header(file).get("format") == WEIGHTS_FORMAT:
        return load_weights(file)
    state = read_state(file)
    return state, recognise(state)


def load_model(file: Path) -> Model:
    """The model of a weights file as :func:`load_any` reads it."""
    return model_of(*load_any(file))


def load_release(folder: Path) -> Release:
    """The model of a release folder that holds at least its manifest and weights.

    Raises InvalidRelease where the weights are not those that the manifest names, InvalidCheckpoint where they do not
    fit the model that it describes.
    """
    manifest = names.read_manifest(folder)
    file = folder / names.WEIGHTS
    if not file.is_file() or file_digest(file) != manifest["files"][names.WEIGHTS]["digest"]:
        raise InvalidRelease(f"{file} is missing or not the file that {names.MANIFEST} names")
    state, config = load_weights(file)
    if config != _config(folder / names.MANIFEST, json.dumps(manifest["config"])):
        raise InvalidRelease(f"{folder}: {names.MANIFEST} describes another model than the weights")
    return Release(model_of(state, config), manifest)


def state_digest(state: Mapping[str, Tensor], prefix: str = "", salt: str = "") -> str:
    """SHA-256 in hex over the tensors whose name starts with ``prefix``, in order of their names, after ``salt``.

    Each counts with its name, type, shape and bytes (little-endian, row-major), so equal digests mean equal weights.
    """
    hashed = hashlib.sha256(salt.encode("utf-8"))
    for name in sorted(name for name in state if name.startswith(prefix)):
        value = state[name].detach().cpu().contiguous()
        hashed.update(f"\0{name}\0{value.dtype}\0{list(value.shape)}\0".encode())
        hashed.update(value.flatten().view(torch.uint8).numpy().tobytes())
    return hashed.hexdigest()
