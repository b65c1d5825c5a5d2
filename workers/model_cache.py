"""Loaded model releases: fetched from storage once, checked against their manifest, kept while they are used."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.db.models import ModelVersion
from backend.errors import Invalid
from backend.runtime import Runtime
from backend.storage import keys
from backend.storage.base import Storage
from backend.storage.local import sync_directory
from workers.machine import settle, usable_cores

if TYPE_CHECKING:
    from segmenter.checkpoint import Release

WEIGHTS = "model.safetensors"
MANIFEST = "release.json"


class ModelCache:
    """At most `limit` releases in memory, the longest unused goes first. One lock: a release is loaded once."""

    def __init__(self, limit: int = 2) -> None:
        self._limit = limit
        self._loaded: OrderedDict[str, Release] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, runtime: Runtime, version: ModelVersion) -> Release:
        """The release of a model version, ready to run; raises Invalid when a stored file is damaged."""
        with self._lock:
            if version.digest not in self._loaded:
                folder = fetch(runtime.storage, version, runtime.settings.data_dir / "cache" / "releases")
                self._loaded[version.digest] = load(
                    folder, runtime.settings.worker_threads, runtime.settings.worker_precision
                )
                while len(self._loaded) > self._limit:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(version.digest)
            return self._loaded[version.digest]


def load(folder: Path, threads: int, precision: str = "float32") -> Release:
    """Import torch, now and not earlier, give it its threads, load the weights, onto a CUDA device if there is one.

    ``precision`` bfloat16 is followed only where it makes the machine faster.
    """
    settle()
    import torch

    from segmenter.checkpoint import load_release
    from segmenter.precision import gains, lowered

    torch.set_num_threads(threads or usable_cores())
    release = load_release(folder)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    release.model.to(device)
    if precision == "bfloat16" and gains(device):
        return replace(release, model=lowered(release.model))
    return release


def fetch(storage: Storage, version: ModelVersion, cache: Path) -> Path:
    """A local folder with the release's weights and manifest; complete or absent, whoever else fetches it."""
    folder = cache / keys.check_digest(version.digest)
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".fetching-", dir=cache))
    try:
        with (partial / MANIFEST).open("w", encoding="utf-8") as file:
            json.dump(version.manifest, file)
            file.flush()
            os.fsync(file.fileno())
        _copy(storage, keys.release_key(version.digest, WEIGHTS), partial / WEIGHTS, version.manifest["files"][WEIGHTS])
        sync_directory(partial)  # after a power cut the folder is whole or absent
        try:
            partial.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another worker was faster, with the same content
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _copy(storage: Storage, key: str, target: Path, expected: dict[str, Any]) -> None:
    hashed = hashlib.sha256()
    with storage.open(key) as source, target.open("wb") as file:
        while block := source.read(1 << 20):
            hashed.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    if hashed.hexdigest() != expected["digest"]:
        raise Invalid(f"the stored file {key} is damaged", code="damaged_release")
