"""Time to embed one picture with ViT-B beside plain torch, and with MobileSAM's TinyViT beside onnxruntime.

    python -m benchmarks.vit [--model vit_b|vit_t] [--threads N] [--repeat N] [--small]

ViT-B's peer is our plain re-creation of the reference's attention, which writes out all scores and adds the relative
positions to them; everything else is shared, and so are the allocator's settings, which spares the peer the worst of
the reference as it is shipped. TinyViT's peer is our ONNX export of it in onnxruntime. Both peers compute in float32,
ours in float32, and in bfloat16 where the processor has AMX: only there do the goals of 3 and 2.5 apply. Weights are
random; the embeddings are compared.
"""

from __future__ import annotations

import argparse

from benchmarks.report import compare, cpu_milliseconds, has_amx, machine
from workers.machine import settle

GOALS = {"vit_b": 3.0, "vit_t": 2.5}
FURTHEST = {"fp32": 1e-4, "bf16": 3e-2}  # relative distance of the embeddings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=tuple(GOALS), action="append", help="both by default")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="a tiny encoder in place of ViT-B, to see that it runs")
    options = parser.parse_args()
    settle()
    import numpy as np
    import onnxruntime
    import torch

    from benchmarks import official_shape
    from benchmarks.reference_attention import PlainAttention
    from segmenter.build import build
    from segmenter.config import MODEL_CONFIGS
    from segmenter.export import encoder_onnx
    from segmenter.modeling.image_encoder import Attention
    from segmenter.modeling.segmenter import EMBEDDING, Sam
    from segmenter.precision import lowered

    torch.set_num_threads(options.threads)
    print(machine(), f"({options.threads} threads)")

    def measure(name: str) -> None:
        torch.manual_seed(0)
        config = official_shape.small() if options.small and name == "vit_b" else MODEL_CONFIGS[name]
        model = build(config).eval()
        assert isinstance(model, Sam)
        pixels = torch.randn(1, 3, config.frame, config.frame)
        if name == "vit_b":
            peer_name = "the reference's attention in plain torch, fp32, same allocator"
            reference = build(config).eval()
            reference.load_state_dict(model.state_dict())
            for module in reference.modules():
                if isinstance(module, Attention):
                    module.__class__ = PlainAttention

            def peer() -> torch.Tensor:
                return reference.embed(pixels)[EMBEDDING]
        else:
            peer_name = "onnxruntime fp32, our export"
            settings = onnxruntime.SessionOptions()
            settings.intra_op_num_threads = options.threads
            settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
            graph = encoder_onnx(model).SerializeToString()
            session = onnxruntime.InferenceSession(graph, settings, providers=["CPUExecutionProvider"])

            def peer() -> torch.Tensor:
                return torch.from_numpy(np.asarray(session.run(None, {"pixels": pixels.numpy()})[0]))

        ours = {"fp32": model} | ({"bf16": lowered(model)} if has_amx() else {})
        with torch.inference_mode():
            exact = peer()
            for precision, used in ours.items():
                distance = float((used.embed(pixels)[EMBEDDING] - exact).norm() / exact.norm())
                print(f"{name} {precision}: embedding at a relative distance of {distance:.1e}")
                if distance > FURTHEST[precision]:
                    raise SystemExit("that is too far")
            *times, theirs = cpu_milliseconds(
                options.repeat, *(lambda used=used: used.embed(pixels) for used in ours.values()), peer
            )
        for precision, mine in zip(ours, times, strict=True):
            compare(f"encode {name} {precision}", peer_name, mine, theirs, "CPU ms", GOALS[name])

    for name in options.model or GOALS:
        measure(name)
    if not has_amx():
        print("no AMX here: in float32 both sides multiply the same matrices, and the goals (with AMX) do not apply")


if __name__ == "__main__":
    main()
