"""A real model release that is small enough to encode an image in milliseconds; it never learned anything."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto

    from segmenter.config import ModelConfig

TINY_FRAME = 64


def write_tiny_release(folder: Path, seed: int = 0, config: ModelConfig | None = None) -> Path:
    """A release folder of an untrained starter with a frame of 64; its ONNX files hold no graph.

    With a ``config`` a release of that model, as it is imported: without an encoder graph.
    """
    from workers.machine import settle

    settle()
    import torch

    from segmenter.build import build
    from segmenter.checkpoint import load_weights, model_of, save_weights
    from segmenter.config import ModelConfig, StarterConfig
    from segmenter.export import describe
    from segmenter.manifest import DECODER, ENCODER, MANIFEST, WEIGHTS, file_digest

    sizes = StarterConfig(widths=(8, 8, 16, 32), blocks=(1, 1, 1), attention_blocks=1, dim=16, decoder_heads=2)
    graphs = (DECODER, ENCODER) if config is None else (DECODER,)
    config = config or ModelConfig(frame=TINY_FRAME, logits=TINY_FRAME // 2, starter=sizes)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build(config).eval()
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(folder / WEIGHTS, model.state_dict(), config)
    model = model_of(*load_weights(folder / WEIGHTS))  # digests speak of what is stored
    for name in graphs:
        (folder / name).write_bytes(b"no graph: " + name.encode())
    files = {
        name: {
            "digest": file_digest(folder / name),
            "bytes": (folder / name).stat().st_size,
        }
        for name in (WEIGHTS, *graphs)
    }
    manifest = {**describe(model, "tiny", "0"), "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))
    return folder


def write_exported_release(folder: Path, base: Path) -> Path:
    """A whole release with a decoder that runs, of a model that is a hair's breadth from that of ``base``.

    Made once: whoever comes second, in another process of the same test run, waits and takes what is there.
    """
    from segmenter.checkpoint import load_weights, save_weights
    from segmenter.export import write_release
    from segmenter.manifest import MANIFEST, WEIGHTS

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / "release" / MANIFEST).exists():
            state, config = load_weights(base / WEIGHTS)
            moved = next(value for name, value in state.items() if name.startswith("mask_decoder.") and value.ndim == 2)
            moved += 1e-4
            save_weights(folder / "weights.safetensors", state, config)
            write_release(folder / "weights.safetensors", "tiny", "1", folder / "release", with_encoder=False)
    return folder / "release"


def write_other_release(folder: Path, base: Path, seed: int, decoder: float = 0.0, encoder: float = 0.0) -> Path:
    """A whole release that answers otherwise than ``base``, in seconds: its weights are moved at random by shares.

    Those of the decoder are moved in the graph as well, which is then compared with torch as every export is. Without a
    share the part stays as it is.
    """
    from workers.machine import settle

    settle()
    import onnx
    import torch
    from onnx import helper

    from segmenter.checkpoint import load_weights, model_of, save_weights
    from segmenter.export import METADATA_KEY, check_parity, describe
    from segmenter.manifest import DECODER, MANIFEST, WEIGHTS, file_digest

    state, config = load_weights(base / WEIGHTS)
    graph = onnx.load(base / DECODER)
    generator = torch.Generator().manual_seed(seed)
    for name, value in state.items():
        share = encoder if name.startswith("image_encoder.") else decoder
        if share and value.is_floating_point() and value.ndim > 1:
            moved = (value * (1 + share * torch.randn(value.shape, generator=generator))).half()
            if name.startswith("image_encoder.") or _put(graph, f"model.{name}", moved.numpy()):
                value.copy_(moved)
    folder.mkdir(parents=True)
    save_weights(folder / WEIGHTS, state, config)
    model = model_of(*load_weights(folder / WEIGHTS))
    description = describe(model, "moved", str(seed))
    check_parity(model, None, graph)
    helper.set_model_props(graph, {METADATA_KEY: json.dumps(description, sort_keys=True)})
    (folder / DECODER).write_bytes(graph.SerializeToString())
    files = {
        name: {"digest": file_digest(folder / name), "bytes": (folder / name).stat().st_size}
        for name in (WEIGHTS, DECODER)
    }
    (folder / MANIFEST).write_text(json.dumps({**description, "files": files}, indent=1, sort_keys=True))
    return folder


def _put(graph: ModelProto, name: str, values: NDArray[np.float16]) -> bool:
    """Give a weight of a graph that kept its name and shape other values; whether there is one."""
    from onnx import numpy_helper

    for initial in graph.graph.initializer:
        if initial.name in (name, f"{name}.half") and tuple(initial.dims) == values.shape and values.ndim == 4:
            stored = values if initial.name.endswith(".half") else values.astype("float32")
            initial.CopyFrom(numpy_helper.from_array(stored, initial.name))
            return True
    return False
