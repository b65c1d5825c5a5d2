"""One click on an embedded picture: our decoder beside the official ONNX decoder in onnxruntime.

    python -m benchmarks.click [--size H W] [--threads N] [--repeat N] [--small]

The peer is the official interface (prompt encoder, mask decoder and upsampling of four masks to the picture's size in
one graph), exported by us from the same random weights with every step as the reference has it, nothing folded. Ours
gives the logits of all four, and the binary mask of the chosen one at the picture's size, on a picture that was
prepared once. (It is not run-length encoded: random weights draw noise, of a million runs.) Threads are equal;
onnxruntime's do not spin. CPU milliseconds of one click are compared, and before that all four masks of both.
"""

from __future__ import annotations

import argparse

from benchmarks.report import compare, cpu_milliseconds, has_amx, machine
from workers.machine import settle

DIFFERING = 1e-4  # of the pixels: logits that are zero but for rounding


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=2, default=(1500, 2250), metavar=("H", "W"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--small", action="store_true", help="a tiny decoder, to see that everything runs")
    options = parser.parse_args()
    settle()
    import numpy as np
    import onnxruntime
    import torch

    from benchmarks import official_shape
    from segmenter import masks, precision, predict
    from segmenter.build import build
    from segmenter.full_size import FullSize, full_size
    from segmenter.interop import DecoderOptions, decoder_core, official_decoder
    from segmenter.modeling.segmenter import EMBEDDING, Sam

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    config = official_shape.small() if options.small else official_shape.config()
    model = build(config).eval()
    assert isinstance(model, Sam)
    size = (options.size[0], options.size[1])
    cells = config.frame // config.sam.patch_size
    image = torch.randn(1, config.sam.prompt_dim, cells, cells)
    coords = torch.tensor([[[0.4 * config.frame, 0.3 * config.frame], [0.0, 0.0]]])
    labels = torch.tensor([[1.0, -1.0]])
    print(machine(), f"({options.threads} threads, picture {size[1]} x {size[0]})")

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    graph = official_decoder(decoder_core(model), config.frame, DecoderOptions())
    session = onnxruntime.InferenceSession(graph.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    feeds = {
        "image_embeddings": image.numpy(),
        "point_coords": coords.numpy(),
        "point_labels": labels.numpy(),
        "mask_input": np.zeros((1, 1, config.logits, config.logits), np.float32),
        "has_mask_input": np.zeros(1, np.float32),
        "orig_im_size": np.array(size, np.float32),
    }

    embedding = predict.Embedding({EMBEDDING: image}, size, config.frame)

    def decoder(used: predict.Model) -> predict.Prepared:
        return predict.prepare(used, embedding)

    def click(used: predict.Model, prepared: predict.Prepared, shown: slice) -> list[FullSize]:
        scored = predict.score(used, prepared, coords, labels)
        logits = predict.masks(used, scored, torch.tensor([0]))[0].numpy()
        return [full_size(one, size, config.frame, predict.MASK_THRESHOLD, 1.0) for one in logits[shown]]

    prepared = decoder(model)
    (official,) = session.run(["masks"], feeds)
    for drawn, theirs in zip(click(model, prepared, slice(4)), official[0], strict=True):
        share = float((masks.pixels_of(drawn.runs, size) != (theirs > predict.MASK_THRESHOLD)).mean())
        if share > DIFFERING:
            raise SystemExit(f"the masks differ in {share:.2%} of their pixels")
    peer = "official ONNX decoder with upsampling in onnxruntime, our export"
    ours, theirs, once = cpu_milliseconds(
        options.repeat,
        lambda: click(model, prepared, slice(1)),
        lambda: session.run(["masks"], feeds),
        lambda: decoder(model),
    )
    print(f"once a picture: {once:.1f} CPU ms")
    compare("click fp32", peer, ours, theirs, "CPU ms", 2.5)
    if has_amx():
        low = precision.lowered(model)
        side = decoder(low)
        (ours,) = cpu_milliseconds(options.repeat, lambda: click(low, side, slice(1)))
        compare("click bf16", peer, ours, theirs, "CPU ms", 4.0)
    else:
        print("no AMX here: bfloat16 would be slower than float32, so its goal (4) is not measured")


if __name__ == "__main__":
    main()
