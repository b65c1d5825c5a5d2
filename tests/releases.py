"""A real model release that is small enough to encode an image in milliseconds; it never learned anything."""

import json
from pathlib import Path

TINY_FRAME = 64


def write_tiny_release(folder: Path, seed: int = 0) -> Path:
    """A release folder of an untrained starter with a frame of 64; its ONNX files hold no graph."""
    from workers.machine import settle

    settle()
    import torch

    from segmenter.build import build
    from segmenter.checkpoint import save_weights
    from segmenter.config import ModelConfig, StarterConfig
    from segmenter.export import describe
    from segmenter.manifest import DECODER, ENCODER, MANIFEST, WEIGHTS, file_digest

    sizes = StarterConfig(widths=(8, 8, 16, 32), blocks=(1, 1, 1), attention_blocks=1, dim=16, decoder_heads=2)
    config = ModelConfig(frame=TINY_FRAME, logits=TINY_FRAME // 2, starter=sizes)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build(config).eval()
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(folder / WEIGHTS, model.state_dict(), config)
    for name in (ENCODER, DECODER):
        (folder / name).write_bytes(b"no graph: " + name.encode())
    files = {
        name: {
            "digest": file_digest(folder / name),
            "bytes": (folder / name).stat().st_size,
        }
        for name in (WEIGHTS, ENCODER, DECODER)
    }
    manifest = {**describe(model, "tiny", "0"), "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))
    return folder
