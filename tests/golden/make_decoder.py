"""Writes tests/golden/decoder: a small Segment Anything decoder as the page runs it, and torch's answers.

`python -m tests.golden.make_decoder`. Its frame and logits are other ones than the starter's, so whoever reads them
from anywhere but the release fails. pytest holds the graph to torch, vitest the page's decode worker to both.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backend.embedding_file import EmbeddingFacts, write
from segmenter import masks
from segmenter.build import build
from segmenter.checkpoint import load_release, save_weights
from segmenter.config import ModelConfig, SamConfig
from segmenter.export import write_release
from segmenter.golden import weights
from segmenter.manifest import DECODER
from segmenter.predict import Candidates, Embedding, decode, embed
from segmenter.prompts import Box, Point, Prompt
from tests.golden.make_golden import short

FOLDER = Path(__file__).parent / "decoder"
SIZES = {"prompt_dim": 32, "mask_in_channels": 16, "decoder_heads": 4, "decoder_mlp_dim": 64, "iou_head_hidden": 32}
CONFIG = ModelConfig("sam", 64, 16, sam=SamConfig(32, 1, 2, (), window_size=3, **SIZES))
SIZE = (75, 100)
POINTS, BOX = [(30, 20, 1), (80, 60, 0), (10, 50, 1)], (12.5, 8, 70, 66)
# (points, box, candidate of the decode before that is refined)
STEPS: list[tuple[int, bool, int | None]] = [
    (1, False, None),
    (2, False, 2),
    (3, False, 0),
    (0, True, None),
    (1, True, 1),
]


def page_prompts(points: int, box: bool) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = [{"kind": "point", "x": x, "y": y, "label": n} for x, y, n in POINTS[:points]]
    return listed + [{"kind": "box", **dict(zip(("x0", "y0", "x1", "y1"), BOX, strict=True))}] * box


def entry(points: int, box: bool, refined: int | None, found: Candidates) -> dict[str, Any]:
    drawn = [found.mask(candidate) for candidate in range(4)]
    encoded = int(np.argmax([mask.sum() for mask in drawn]))  # the largest: untrained models like to say "nothing"
    return {
        "prompts": page_prompts(points, box),
        "refined": refined,
        "logits": short(found.logits),
        "predicted_iou": short(found.predicted_iou),
        "chosen": found.chosen,
        "encoded": encoded,
        "counts": masks.encode(drawn[encoded])["counts"],
        "area": int(drawn[encoded].sum()),
    }


def main() -> None:
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    model = build(CONFIG).eval()
    model.load_state_dict(weights.state({key: tuple(value.shape) for key, value in model.state_dict().items()}))
    with tempfile.TemporaryDirectory() as draft:
        save_weights(Path(draft) / "weights.safetensors", model.state_dict(), CONFIG)
        manifest = write_release(Path(draft) / "weights.safetensors", "golden", "0", Path(draft) / "release")
        shutil.copy(Path(draft) / "release" / DECODER, FOLDER)
        model = load_release(Path(draft) / "release").model
    picture = np.random.default_rng(3).integers(0, 256, (*SIZE, 3), np.uint8)
    tensors = {name: level.numpy() for name, level in embed(model, picture).tensors.items()}
    facts = EmbeddingFacts(manifest["encoder_digest"], "0" * 64, SIZE, (48, 64), CONFIG.frame)
    (FOLDER / "embedding.safetensors").write_bytes(write({n: t[0] for n, t in tensors.items()}, facts))
    halved = {name: torch.from_numpy(level.astype(np.float16).astype(np.float32)) for name, level in tensors.items()}
    embedding, entries, last = Embedding(halved, SIZE, CONFIG.frame), [], None
    for points, box, refined in STEPS:
        prompt = Prompt(tuple(Point(*point) for point in POINTS[:points]), Box(*BOX) if box else None)
        previous = None if refined is None or last is None else last.logits[refined][None]
        last = decode(model, embedding, [prompt], previous)[0]
        entries.append(entry(points, box, refined, last))
    release = {key: manifest[key] for key in ("digest", "encoder_digest", "frame", "logits", "embedding")}
    release["decoder_digest"] = manifest["files"][DECODER]["digest"]
    content = {"release": release, "size": SIZE, "answers": entries}
    (FOLDER / "answers.json").write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
