"""The manifest of a model release: what it is, what its embeddings look like, and the digests of its files. No torch.

A release is one immutable folder: ``release.json``, ``model.safetensors``, ``encoder.onnx``, ``decoder.onnx`` and a
model card. ``digest`` names the whole model; ``encoder_digest`` names what embeddings depend on.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

FORMAT: Final = "maskmill-release/1"
MANIFEST, WEIGHTS, ENCODER, DECODER, CARD = (
    "release.json",
    "model.safetensors",
    "encoder.onnx",
    "decoder.onnx",
    "MODEL_CARD.md",
)
FILES: Final = (WEIGHTS, ENCODER, DECODER)
SHIPPED: Final = Path(__file__).parent / "weights"
STARTER: Final = SHIPPED / "starter"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_FIELDS: Final = {
    "name": str,
    "version": str,
    "digest": str,
    "encoder_digest": str,
    "config": dict,
    "frame": int,
    "logits": int,
    "preprocessing": dict,
    "embedding": dict,
    "mask_threshold": float,
    "files": dict,
}

Manifest = dict[str, Any]


class InvalidRelease(ValueError):
    """The folder is not a release, or its files are not those that the manifest names."""


def file_digest(file: Path) -> str:
    """SHA-256 of a file, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The checked content of ``release.json``; :class:`InvalidRelease` says what is wrong with it."""
    file = folder / MANIFEST
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidRelease(f"{folder} holds no {MANIFEST}") from None
    except ValueError as error:
        raise InvalidRelease(f"{file} is not JSON: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InvalidRelease(f"{file} is not of the format {FORMAT}")
    for field, kind in _FIELDS.items():
        if not isinstance(manifest.get(field), kind):
            raise InvalidRelease(f"{file}: {field} is missing or not a {kind.__name__}")
    named = {name: entry.get("digest") for name, entry in manifest["files"].items() if isinstance(entry, dict)}
    missing = [name for name in FILES if not _DIGEST.fullmatch(str(named.get(name)))]
    if missing:
        raise InvalidRelease(f"{file} names no digest for {', '.join(missing)}")
    for field in ("digest", "encoder_digest"):
        if not _DIGEST.fullmatch(manifest[field]):
            raise InvalidRelease(f"{file}: {field} is not 64 hexadecimal digits")
    return manifest


def verify(folder: Path) -> Manifest:
    """The manifest of a release all of whose files are there with their digests; else :class:`InvalidRelease`."""
    manifest = read_manifest(folder)
    for name in FILES:
        file = folder / name
        if not file.is_file():
            raise InvalidRelease(f"{file} is missing")
        if file_digest(file) != manifest["files"][name]["digest"]:
            raise InvalidRelease(f"{file} is not the file that {MANIFEST} names: its digest differs")
    return manifest


def shipped() -> list[Path]:
    """The release folders that come with the code."""
    return sorted(file.parent for file in SHIPPED.glob(f"*/{MANIFEST}"))


def find_weights(model: str) -> Path:
    """The weights file that a person means: a shipped release's name, a release folder, or a weights file."""
    path = Path(model)
    named = {folder.name: folder for folder in shipped()}
    if path.is_file():
        return path
    folder = path if (path / MANIFEST).is_file() else named.get(model)
    if folder is None:
        known = ", ".join(named) or "none"
        raise InvalidRelease(f"{model} is neither a file nor a release folder nor a shipped model (shipped: {known})")
    return folder / WEIGHTS
