"""Models for other programs: the official ONNX decoder and samexporter's encoder (sam.md section 1.10).

Both are what CVAT, AnyLabeling, X-AnyLabeling and others were built around. A Segment Anything model fits them as it
is; the starter is dressed as one (:mod:`segmenter.dressed`). Every graph is compared with torch before it is written.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

from segmenter.build import Model
from segmenter.dressed import OFFICIAL_FRAME, OFFICIAL_LOGITS, OfficialShape, official_shape
from segmenter.export import METADATA_KEY, describe, difference, export_graph, session
from segmenter.modeling.segmenter import EMBEDDING, Sam
from segmenter.modeling.starter import empty_mask_input
from segmenter.transforms import Size, frame_pixels, resize_image, upsample_mask

IR_VERSION = 8  # of files with opset 18: what runtimes since 2023 read
LARGEST_FILE = 2**31 - 2**20  # bytes; protobuf holds no more, so larger graphs keep their weights beside them
STABILITY_OFFSET = 1.0
ROWS_OF_ONE, SINGLE_FIRST = 2.5, (1000.0, 0.0, 0.0, 0.0)  # the official way to say: with three rows or more, the first
CORE_INPUTS = (EMBEDDING, "point_coords", "point_labels", "mask_input", "has_mask_input")
ENCODER, DECODER, CONFIG = "encoder.onnx", "decoder.onnx", "x-anylabeling.yaml"
# By this X-AnyLabeling's "load custom model" finds the pair; its canvas of 1024 x 682 is a constant of that program.
X_ANYLABELING = """type: segment_anything
name: maskmill-{name}-{version}
display_name: Maskmill {name} {version}
encoder_model_path: encoder.onnx
decoder_model_path: decoder.onnx
input_size: 1024
max_width: 1024
max_height: 682
"""
PARITY_SIZES: tuple[Size, ...] = ((48, 64), (64, 48), (3, 100), (130, 77))  # orientations, extremes, odd sides
PARITY_LABELS = ([1, -1], [2, 3], [1, 0, -1], [1, 2, 3], [1] * 6 + [0] * 3 + [-1], [1])


@dataclass(frozen=True)
class DecoderOptions:
    """The options of the official exporter (sam.md section 1.10).

    ``single_mask`` returns one mask: the best of the three for up to two rows of points (one click and its padding
    point), else the single mask. ``stability_scores`` puts the stability of each mask in the place of its predicted
    IoU, also for that choice. ``metrics`` adds the outputs ``stability_scores`` and ``areas`` of the full-size masks.
    """

    single_mask: bool = False
    stability_scores: bool = False
    metrics: bool = False


class _OfficialEncoder(nn.Module):
    def __init__(self, model: OfficialShape) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        return self.model.embed(pixels)[EMBEDDING]


class OfficialDecoder(nn.Module):
    """The official decoder in torch, up to the low-resolution masks: what exported ones are held to."""

    def __init__(self, model: OfficialShape, options: DecoderOptions) -> None:
        super().__init__()
        self.model, self.options = model, options

    def forward(
        self, embedding: Tensor, point_coords: Tensor, point_labels: Tensor, mask_input: Tensor, has_mask_input: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Inputs as in :func:`decoder_core` -> logits BxCxLxL and scores BxC; C is 4, or 1 with ``single_mask``."""
        masks, scores = self.model.decode(
            {EMBEDDING: embedding}, point_coords, point_labels, mask_input, has_mask_input
        )
        if self.options.stability_scores:
            scores = stability(masks)
        if not self.options.single_mask:
            return masks, scores
        best = (scores + (point_coords.shape[1] - ROWS_OF_ONE) * torch.tensor(SINGLE_FIRST)).argmax(1)
        return masks[torch.arange(len(best)), best][:, None], scores[torch.arange(len(best)), best][:, None]


def stability(masks: Tensor) -> Tensor:
    """Share of a mask's pixels that stay when its threshold rises from -1 to 1, over maps ...xHxW; empty masks: 0."""
    inner, outer = ((masks > offset).sum((-1, -2)).float() for offset in (STABILITY_OFFSET, -STABILITY_OFFSET))
    return inner / outer.clamp(min=1.0)


def decoder_core(model: OfficialShape) -> ModelProto:
    """What every official decoder shares: four low-resolution masks and their predicted IoU.

    ``image_embeddings`` 1xCxHxW, ``point_coords`` BxNx2 in frame pixels, ``point_labels`` BxN in -1..3, ``mask_input``
    Bx1xLxL, ``has_mask_input`` B -> ``low_res_masks`` Bx4xLxL, ``iou_predictions`` Bx4. N is free, and B but for the
    starter, whose B is 1.
    """
    config = model.config
    batch_size, cells = (2 if isinstance(model, Sam) else 1), config.logits // 4
    embedding = torch.randn(1, config.sam.prompt_dim, cells, cells)
    mask_input, has_mask_input = empty_mask_input(batch_size, config.logits)
    coords = torch.rand(batch_size, 3, 2) * config.frame
    points, batch = torch.export.Dim("num_points", min=1, max=256), torch.export.Dim("batch", min=1, max=1024)
    of_points, of_batch = {1: points} | ({0: batch} if batch_size > 1 else {}), ({0: batch} if batch_size > 1 else None)
    dynamic = (None, of_points, of_points, of_batch, of_batch)
    inputs = (embedding, coords, torch.ones(batch_size, 3), mask_input, has_mask_input)
    plain = OfficialDecoder(model, DecoderOptions())
    return export_graph(plain, inputs, CORE_INPUTS, ["low_res_masks", "iou_predictions"], dynamic)


def official_decoder(core: ModelProto, frame: int, options: DecoderOptions) -> ModelProto:
    """The official decoder interface around a core; nothing of an image's shape is baked in.

    Adds the input ``orig_im_size`` 2 (h, w) and the output ``masks`` BxCxhxw, logits at the image's size.
    """
    model = ModelProto()
    model.CopyFrom(core)
    nodes = _Nodes(model.graph)
    low, scores = nodes.renamed_output("low_res_masks"), nodes.renamed_output("iou_predictions")
    if options.stability_scores:
        scores = nodes.stability(low)
    if options.single_mask:
        low, scores = _best_alone(nodes, low, scores)
    nodes.node("Identity", low, out="low_res_masks")
    nodes.node("Identity", scores, out="iou_predictions")
    _draw_at_full_size(nodes, frame)
    if options.metrics:
        nodes.node("Identity", nodes.stability("masks"), out="stability_scores")
        nodes.node("Identity", nodes.count_above("masks", 0.0), out="areas")
    _declare(model.graph, 1 if options.single_mask else 4, options.metrics)
    return model


class _Nodes:
    """Nodes and constants that are added to a graph."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph, self.made = graph, 0

    def constant(self, value: NDArray[Any]) -> str:
        name = self._name()
        self.graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def node(self, kind: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        name = out or self._name()
        self.graph.node.append(helper.make_node(kind, list(inputs), [name], f"added_{name}", **attributes))
        return name

    def resized(self, maps: str, size: str, out: str | None = None) -> str:
        """Maps BxCx.. bilinearly to ``size`` (two int64), as torch without aligned corners."""
        whole = self.node("Concat", self.node("Shape", maps, start=0, end=2), size, axis=0)
        return self.node("Resize", maps, "", "", whole, out=out, mode="linear")

    def count_above(self, masks: str, threshold: float) -> str:
        """How many pixels of each map lie above the threshold, as float32 BxC."""
        above = self.node("Greater", masks, self.constant(np.array(threshold, np.float32)))
        ones = self.node("Cast", above, to=TensorProto.INT32)
        total = self.node("ReduceSum", ones, self.constant(np.array([2, 3])), keepdims=0)
        return self.node("Cast", total, to=TensorProto.FLOAT)

    def stability(self, masks: str) -> str:
        """:func:`stability` of maps BxCxHxW."""
        outer = self.node("Max", self.count_above(masks, -STABILITY_OFFSET), self.constant(np.array(1, np.float32)))
        return self.node("Div", self.count_above(masks, STABILITY_OFFSET), outer)

    def renamed_output(self, name: str) -> str:
        """Gives way to a new output of that name: what made the old one now makes a value of the returned name."""
        new = self._name()
        for node in self.graph.node:
            for values in (node.input, node.output):
                values[:] = [new if value == name else value for value in values]
        return new

    def _name(self) -> str:
        self.made += 1
        return f"added_{self.made}"


def _best_alone(nodes: _Nodes, masks: str, scores: str) -> tuple[str, str]:
    """The official rule for one mask (sam.md section 1.7): up to two rows, the best of the three; else the first."""
    rows = nodes.node("Cast", nodes.node("Shape", "point_coords", start=1, end=2), to=TensorProto.FLOAT)
    more = nodes.node("Sub", rows, nodes.constant(np.array(ROWS_OF_ONE, np.float32)))
    bonus = nodes.node("Mul", more, nodes.constant(np.array(SINGLE_FIRST, np.float32)))
    best = nodes.node("ArgMax", nodes.node("Add", scores, bonus), axis=1, keepdims=1)
    index = nodes.node("Unsqueeze", best, nodes.constant(np.array([2])))  # Bx1x1: which mask of each prompt
    return nodes.node("GatherND", masks, index, batch_dims=1), nodes.node("GatherElements", scores, best, axis=1)


def _draw_at_full_size(nodes: _Nodes, frame: int) -> None:
    """Adds ``masks``: the two bilinear steps of :func:`segmenter.transforms.upsample_mask`.

    The size of the image inside the frame is computed in float64, as :func:`segmenter.transforms.resized_size` does.
    """
    size = nodes.node("Cast", "orig_im_size", to=TensorProto.DOUBLE)
    scale = nodes.node("Div", nodes.constant(np.array(float(frame))), nodes.node("ReduceMax", size, keepdims=0))
    scaled = nodes.node("Add", nodes.node("Mul", size, scale), nodes.constant(np.array(0.5)))
    kept = nodes.node("Max", nodes.node("Floor", scaled), nodes.constant(np.array(1.0)))
    ends = nodes.node("Cast", kept, to=TensorProto.INT64)
    framed = nodes.resized("low_res_masks", nodes.constant(np.array([frame, frame])))
    cropped = nodes.node("Slice", framed, nodes.constant(np.array([0, 0])), ends, nodes.constant(np.array([2, 3])))
    nodes.resized(cropped, nodes.node("Cast", size, to=TensorProto.INT64), out="masks")


def _declare(graph: onnx.GraphProto, masks: int, metrics: bool) -> None:
    """Inputs and outputs in the official order."""
    of_prompt = graph.input[1].type.tensor_type.shape.dim[0]
    batch: str | int = of_prompt.dim_param or of_prompt.dim_value
    side = graph.output[0].type.tensor_type.shape.dim[3].dim_value
    outputs: dict[str, list[str | int | None]] = {
        "masks": [batch, masks, "height", "width"],
        "iou_predictions": [batch, masks],
        "low_res_masks": [batch, masks, side, side],
    }
    if metrics:
        outputs |= {"stability_scores": [batch, masks], "areas": [batch, masks]}
    del graph.output[:]
    graph.output.extend(helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in outputs.items())
    graph.input.append(helper.make_tensor_value_info("orig_im_size", TensorProto.FLOAT, [2]))


def samexporter_encoder(model: Model) -> ModelProto:
    """The image encoder with its preprocessing inside, as samexporter writes it.

    ``input_image`` HxWx3 float32, RGB 0..255, already resized so that the long side is the frame (a shorter one is
    padded with the mean colour) -> ``image_embeddings`` 1xCxHxW.
    """
    sam = official_shape(model)
    pixels = torch.zeros(1, 3, sam.config.frame, sam.config.frame)
    exported = export_graph(_OfficialEncoder(sam), (pixels,), ["pixels"], [EMBEDDING], None)
    graph = exported.graph
    encoding = list(graph.node)
    del graph.node[:], graph.input[:]
    nodes, config = _Nodes(graph), sam.config
    mean, std = (nodes.constant(np.array(value, np.float32)) for value in (config.pixel_mean, config.pixel_std))
    planes = nodes.node("Transpose", nodes.node("Div", nodes.node("Sub", "input_image", mean), std), perm=[2, 0, 1])
    whole = nodes.constant(np.array([config.frame, config.frame]))
    missing = nodes.node("Sub", whole, nodes.node("Shape", planes, start=1, end=3))
    pads = nodes.node("Concat", nodes.constant(np.zeros(4, np.int64)), missing, axis=0)
    padded = nodes.node("Pad", planes, pads, nodes.constant(np.array(0, np.float32)))
    nodes.node("Unsqueeze", padded, nodes.constant(np.array([0])), out="pixels")
    graph.node.extend(encoding)
    size: list[str | int | None] = ["image_height", "image_width", 3]
    graph.input.append(helper.make_tensor_value_info("input_image", TensorProto.FLOAT, size))
    return exported


@torch.inference_mode()
def check_decoder(model: Model, file: Path, options: DecoderOptions, seed: int = 0) -> dict[str, float]:
    """Runs the official decoder beside torch: both orientations, one prompt and two, with and without a mask.

    Full-size masks are held to :func:`segmenter.transforms.upsample_mask`. Returns the largest differences;
    :class:`ParityError` where one is too large.
    """
    sam = official_shape(model)
    torchs, run = OfficialDecoder(sam, options), session(file)
    config, generator = sam.config, torch.Generator().manual_seed(seed)
    cells = config.logits // 4
    embedding = torch.randn(1, config.sam.prompt_dim, cells, cells, generator=generator) * 0.3
    worst: dict[str, float] = {}
    for turn, labels in enumerate(PARITY_LABELS):
        batch = 1 + turn % 2 if isinstance(sam, Sam) else 1
        present, size = float(turn % 3 == 0), PARITY_SIZES[turn % len(PARITY_SIZES)]
        coords = torch.rand(batch, len(labels), 2, generator=generator) * config.frame
        mask = torch.randn(batch, 1, config.logits, config.logits, generator=generator) * 5
        kinds = torch.tensor([labels] * batch, dtype=torch.float32)
        given = (embedding, coords, kinds, mask, torch.full((batch,), present))
        low, scores = torchs(*given)
        feeds = {name: value.numpy() for name, value in zip(CORE_INPUTS, given, strict=True)}
        outputs = [output.name for output in run.get_outputs()]
        answers = dict(zip(outputs, run.run(None, feeds | {"orig_im_size": np.array(size, np.float32)}), strict=True))
        full = torch.from_numpy(upsample_mask(low.numpy(), size, config.frame))
        expected = {"masks": full, "iou_predictions": scores, "low_res_masks": low}
        if options.metrics:  # of the masks as they came, so that a pixel at the threshold counts alike
            drawn = torch.from_numpy(answers["masks"])
            expected |= {"areas": (drawn > 0).sum((2, 3)).float(), "stability_scores": stability(drawn)}
        for name, value in expected.items():
            worst[name] = max(worst.get(name, 0.0), difference(name, value, answers[name]))
    return worst


@torch.inference_mode()
def check_encoder(model: Model, file: Path, seed: int = 0) -> dict[str, float]:
    """Runs samexporter's encoder beside torch on a random portrait picture; :class:`ParityError` as above."""
    sam = official_shape(model)
    config = sam.config
    rgb = np.random.default_rng(seed).integers(0, 256, (config.frame, config.frame * 2 // 3, 3), np.uint8)
    pixels = torch.from_numpy(frame_pixels(rgb, config.frame, config.pixel_mean, config.pixel_std))
    image = resize_image(rgb, config.frame).astype(np.float32)
    embedding = session(file).run([EMBEDDING], {"input_image": image})[0]
    return {EMBEDDING: difference(EMBEDDING, sam.embed(pixels[None])[EMBEDDING], embedding)}


def write_official(model: Model, name: str, version: str, folder: Path, options: DecoderOptions) -> dict[str, float]:
    """Writes ``decoder.onnx`` of the official interface; returns its largest differences from torch.

    :class:`ParityError` where they are too large: then nothing is written.
    """
    with all_or_nothing(folder) as draft:
        save(model, _decoder(model, options), name, version, "official", draft / DECODER)
        return check_decoder(model, draft / DECODER, options)


def write_samexporter(model: Model, name: str, version: str, folder: Path, options: DecoderOptions) -> dict[str, float]:
    """Writes ``encoder.onnx`` and ``decoder.onnx`` as samexporter does; as :func:`write_official` otherwise.

    For models of the official frame also the configuration by which X-AnyLabeling loads the pair.
    """
    with all_or_nothing(folder) as draft:
        save(model, samexporter_encoder(model), name, version, "samexporter", draft / ENCODER)
        save(model, _decoder(model, options), name, version, "samexporter", draft / DECODER)
        config = official_shape(model).config
        if (config.frame, config.logits) == (OFFICIAL_FRAME, OFFICIAL_LOGITS):
            (draft / CONFIG).write_text(X_ANYLABELING.format(name=name, version=version), encoding="utf-8")
        return check_encoder(model, draft / ENCODER) | check_decoder(model, draft / DECODER, options)


def _decoder(model: Model, options: DecoderOptions) -> ModelProto:
    sam = official_shape(model)
    return official_decoder(decoder_core(sam), sam.config.frame, options)


def save(model: Model, graph: ModelProto, name: str, version: str, interface: str, file: Path) -> None:
    """Writes a graph with what it is in its metadata; beyond protobuf's limit its weights lie in a file beside it."""
    config = official_shape(model).config
    told = describe(model, name, version)
    told["interface"] = {"format": interface, "frame": config.frame, "logits": config.logits}
    helper.set_model_props(graph, {METADATA_KEY: json.dumps(told, sort_keys=True)})
    graph.ir_version = IR_VERSION
    beside = graph.ByteSize() > LARGEST_FILE
    onnx.save_model(graph, file, save_as_external_data=beside, location=f"{file.name}.data", size_threshold=1024)
    onnx.checker.check_model(file, full_check=not beside)


@contextmanager
def all_or_nothing(folder: Path) -> Iterator[Path]:
    """A draft folder whose files move to ``folder`` when the block ends well, and vanish when it does not."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as draft:
        yield Path(draft)
        folder.mkdir(exist_ok=True)
        for file in sorted(Path(draft).iterdir()):
            file.replace(folder / file.name)
