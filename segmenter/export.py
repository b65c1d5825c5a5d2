"""A trained model as a release: safetensors, an ONNX encoder and the browser's ONNX decoder, checked against torch."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import onnxslim
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from segmenter import manifest as names
from segmenter.build import Model, build
from segmenter.checkpoint import Precision, load_weights, model_of, save_weights, state_digest
from segmenter.config import ModelConfig, to_dict
from segmenter.manifest import Manifest, file_digest
from segmenter.modeling.starter import empty_mask_input

OPSET = 18
GRAPHS = 1  # version of the graphs this file makes; part of the digest, so that a mended export is another release
METADATA_KEY = "maskmill.release"
LEAST_HALVED = 512  # values; smaller initialisers stay in full precision, they would save nothing
LARGEST_GRAPH = 2**31 - 2**24  # bytes of weights; protobuf holds no more than 2 GiB
LARGEST_DIFFERENCE = 2e-3  # of logits and scores between torch and onnxruntime


class ParityError(ValueError):
    """The exported graph does not give torch's numbers; nothing was released."""


class _EncoderGraph(nn.Module):
    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.model.embed(pixels).values())


class _DecoderGraph(nn.Module):
    def __init__(self, model: Model, levels: Sequence[str]) -> None:
        super().__init__()
        self.model, self.levels = model, list(levels)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        embedding = dict(zip(self.levels, inputs, strict=False))
        out: tuple[Tensor, Tensor] = self.model.decode(embedding, *inputs[len(self.levels) :])
        return out


def export_graph(
    graph: nn.Module, inputs: tuple[Tensor, ...], named: Sequence[str], outputs: Sequence[str], dynamic: Any
) -> onnx.ModelProto:
    with warnings.catch_warnings():
        # The exporter warns and logs about its own internals (copyreg, torchvision); nothing a caller could mend.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
        program = torch.onnx.export(
            graph,
            inputs,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(named),
            output_names=list(outputs),
            dynamic_shapes=dynamic,
            verbose=False,
        )
        if program is None:
            raise ParityError("torch made no ONNX program")
        slim = onnxslim.slim(program.model_proto)
    assert isinstance(slim, onnx.ModelProto)
    return slim


def halve_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Stores large float32 initialisers as float16 and casts them back at run time: half the file, same graph."""
    casts = []
    for initializer in model.graph.initializer:
        if initializer.data_type != TensorProto.FLOAT or np.prod(initializer.dims) < LEAST_HALVED:
            continue
        full = initializer.name
        values = numpy_helper.to_array(initializer).astype(np.float16)
        initializer.CopyFrom(numpy_helper.from_array(values, f"{full}.half"))
        casts.append(helper.make_node("Cast", [f"{full}.half"], [full], f"{full}.cast", to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)
    del model.graph.value_info[:]
    return model


def encoder_onnx(model: Model) -> onnx.ModelProto:
    """``pixels`` 1x3xSxS normalised and padded -> the embedding's tensors by name."""
    side = model.config.frame
    levels = embedding_shapes(model)
    return export_graph(_EncoderGraph(model), (torch.zeros(1, 3, side, side),), ["pixels"], list(levels), None)


def decoder_onnx(model: Model) -> onnx.ModelProto:
    """The browser's decoder: embedding tensors and prompts -> ``low_res_masks`` 1x4xLxL, ``iou_predictions`` 1x4.

    Further inputs: ``point_coords`` 1xNx2 in frame pixels, ``point_labels`` 1xN, ``mask_input`` 1x1xLxL and
    ``has_mask_input`` 1. N is free; the client chooses among the four masks.
    """
    levels = embedding_shapes(model)
    mask_input, _ = empty_mask_input(1, model.config.logits)
    features = tuple(torch.randn(1, *shape) for shape in levels.values())
    prompts = (torch.rand(1, 3, 2) * model.config.frame, torch.tensor([[1.0, 0.0, -1.0]]), mask_input, torch.ones(1))
    points = torch.export.Dim("num_points", min=1, max=256)
    dynamic = (tuple([None] * len(levels) + [{1: points}, {1: points}, None, None]),)
    inputs = [*levels, "point_coords", "point_labels", "mask_input", "has_mask_input"]
    return export_graph(
        _DecoderGraph(model, list(levels)), features + prompts, inputs, ["low_res_masks", "iou_predictions"], dynamic
    )


@torch.inference_mode()
def embedding_shapes(model: Model) -> dict[str, list[int]]:
    """The embedding's tensors and their shapes CxHxW; found without computing anything."""
    side = model.config.frame
    with torch.device("meta"):
        levels = build(model.config).eval().embed(torch.zeros(1, 3, side, side))
    return {name: list(level.shape[1:]) for name, level in levels.items()}


def session(model: onnx.ModelProto | Path) -> onnxruntime.InferenceSession:
    """An onnxruntime session on one CPU thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def difference(name: str, ours: Tensor, theirs: NDArray[np.float32]) -> float:
    """The largest difference of onnxruntime's answer from torch's; :class:`ParityError` where it is too large."""
    difference = float(np.abs(ours.numpy() - theirs).max())
    scale = max(1.0, float(ours.abs().max()))
    if not difference <= LARGEST_DIFFERENCE * scale:
        raise ParityError(f"{name}: onnxruntime differs from torch by {difference:.2g} at a scale of {scale:.2g}")
    return difference


@torch.inference_mode()
def check_parity(
    model: Model, encoder: onnx.ModelProto | None, decoder: onnx.ModelProto, seed: int = 0
) -> dict[str, float]:
    """Runs both graphs beside torch on a random picture and 1 to 9 points, with and without box and previous mask.

    Without an encoder graph the decoders are compared on a random embedding. Returns the largest differences;
    :class:`ParityError` where one exceeds ``LARGEST_DIFFERENCE`` of its scale.
    """
    config, generator = model.config, torch.Generator().manual_seed(seed)
    worst = {"logits": 0.0, "iou": 0.0}
    if encoder is None:
        shapes = embedding_shapes(model)
        embedding = {name: torch.randn(1, *shape, generator=generator) for name, shape in shapes.items()}
    else:
        pixels = torch.rand(1, 3, config.frame, config.frame, generator=generator) * 4 - 2
        embedding = model.embed(pixels)
        encoded = session(encoder).run(list(embedding), {"pixels": pixels.numpy()})
        worst["embedding"] = max(difference(n, t, o) for (n, t), o in zip(embedding.items(), encoded, strict=True))
    run = session(decoder)
    for labels in ([1, -1], [2, 3], [1, 0, -1], [1, 0, 2, 3], [1] * 5 + [0] * 4 + [-1]):
        for present in (0.0, 1.0):
            coords = torch.rand(1, len(labels), 2, generator=generator) * config.frame
            mask = torch.randn(1, 1, config.logits, config.logits, generator=generator) * 5 * present
            given = (coords, torch.tensor([labels], dtype=torch.float32), mask, torch.tensor([present]))
            logits, iou = model.decode(embedding, *given)
            feeds = {name: level.numpy() for name, level in embedding.items()}
            prompts = zip(("point_coords", "point_labels", "mask_input", "has_mask_input"), given, strict=True)
            answers = run.run(None, feeds | {name: value.numpy() for name, value in prompts})
            worst["logits"] = max(worst["logits"], difference("logits", logits, answers[0]))
            worst["iou"] = max(worst["iou"], difference("predicted IoU", iou, answers[1]))
    return worst


def describe(model: Model, name: str, version: str) -> Manifest:
    """The manifest of a model, without its files."""
    config: ModelConfig = model.config
    preprocessing = {
        "mean": list(config.pixel_mean),
        "std": list(config.pixel_std),
        "resize": "bilinear-antialias",
        "pad": "mean",
    }
    salt = json.dumps([config.family, config.frame, preprocessing], sort_keys=True)
    return {
        "format": names.FORMAT,
        "name": name,
        "version": version,
        "digest": state_digest(model.state_dict(), "", f"{salt} graphs {GRAPHS}"),
        "encoder_digest": state_digest(model.state_dict(), "image_encoder.", salt),
        "config": json.loads(json.dumps(to_dict(config))),
        "frame": config.frame,
        "logits": config.logits,
        "preprocessing": preprocessing,
        "embedding": embedding_shapes(model),
        "mask_threshold": 0.0,
    }


def write_release(
    weights: Path, name: str, version: str, folder: Path, precision: Precision = "half", with_encoder: bool = True
) -> Manifest:
    """Makes the release folder of one of our weights files; every graph is compared with torch before it is written.

    Weights and graphs are stored in that ``precision``, and all digests speak of exactly what is shipped. Without the
    encoder graph a release serves as well: only other programs read it. ValueError where the encoder is too large for
    one ONNX file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(folder / names.WEIGHTS, *load_weights(weights), precision)
    model = model_of(*load_weights(folder / names.WEIGHTS))
    if with_encoder and _bytes(model) > LARGEST_GRAPH:
        raise ValueError("the encoder does not fit into one ONNX file of 2 GB; make the release without it")
    description = describe(model, name, version)
    stored = halve_weights if precision == "half" else _as_it_is
    encoder = stored(encoder_onnx(model)) if with_encoder else None
    decoder = stored(decoder_onnx(model))
    worst = check_parity(model, encoder, decoder)
    logging.getLogger(__name__).info("largest differences from torch: %s", worst)
    graphs = {names.DECODER: decoder} | ({} if encoder is None else {names.ENCODER: encoder})
    for file, graph in graphs.items():
        helper.set_model_props(graph, {METADATA_KEY: json.dumps(description, sort_keys=True)})
        onnx.checker.check_model(graph, full_check=True)
        (folder / file).write_bytes(graph.SerializeToString())
    files = {
        file: {"digest": file_digest(folder / file), "bytes": (folder / file).stat().st_size}
        for file in (names.WEIGHTS, *graphs)
    }
    released = description | {"files": files}
    (folder / names.MANIFEST).write_text(json.dumps(released, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return released


def _bytes(model: Model) -> int:
    return sum(value.numel() * value.element_size() for value in model.state_dict().values())


def _as_it_is(graph: onnx.ModelProto) -> onnx.ModelProto:
    return graph
