"""The manifest of a model release: what it is, what its embeddings look like, and the digests of its files. No torch.

A release is one immutable folder: ``release.json``, ``model.safetensors``, ``decoder.onnx``, and where they are wanted
``encoder.onnx`` (for other programs) and a model card. ``digest`` names the whole model; ``encoder_digest`` names what
embeddings depend on.
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
NEEDED: Final = (WEIGHTS, DECODER)
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
    if not set(named) <= {*NEEDED, ENCODER}:
        raise InvalidRelease(f"{file} names files that no release has: {', '.join(map(str, named))}")
    missing = [name for name in {*NEEDED, *named} if not _DIGEST.fullmatch(str(named.get(name)))]
    if missing:
        raise InvalidRelease(f"{file} names no digest for {', '.join(missing)}")
    for field in ("digest", "encoder_digest"):
        if not _DIGEST.fullmatch(manifest[field]):
            raise InvalidRelease(f"{file}: {field} is not 64 hexadecimal digits")
    return manifest


def files_of(manifest: Manifest) -> list[str]:
    """The files of a release besides its manifest."""
    return sorted(manifest["files"])


def verify(folder: Path) -> Manifest:
    """The manifest of a release all of whose files are there with their digests; else :class:`InvalidRelease`."""
    manifest = read_manifest(folder)
    for name in files_of(manifest):
        file = folder / name
        if not file.is_file():
            raise InvalidRelease(f"{file} is missing")
        if file_digest(file) != manifest["files"][name]["digest"]:
            raise InvalidRelease(f"{file} is not the file that {MANIFEST} names: its digest differs")
    return manifest


def shipped() -> list[Path]:
    """The release folders that come with the code."""
    return releases_in(SHIPPED)


def releases_in(folder: Path) -> list[Path]:
    """The release folders right inside a folder."""
    return sorted(file.parent for file in folder.glob(f"*/{MANIFEST}"))


def find_weights(model: str, *folders: Path) -> Path:
    """The weights file that a person means: a weights file, a release folder, or the name of a release.

    Releases are looked for by name in ``folders`` and among the shipped ones.
    """
    path = Path(model)
    if path.is_file():
        return path
    named = {release.name: release for place in (SHIPPED, *folders) for release in releases_in(place)}
    folder = path if (path / MANIFEST).is_file() else named.get(model)
    if folder is None:
        raise InvalidRelease(
            f"{model} is neither a file nor a release folder nor a model that is here (here: {', '.join(named)})"
        )
    return folder / WEIGHTS
