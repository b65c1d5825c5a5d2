"""Golden files of models: their names and shapes, weights by rule, encoders, prompts.

Every prompt is answered twice, by the plain decoder (training, export) and in steps (server, workers, evaluation).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segmenter import transforms
from segmenter.build import build
from segmenter.config import MODEL_CONFIGS, ModelConfig, SamConfig
from segmenter.golden import weights
from segmenter.golden.judge import Absent, Check, Differs, Golden, near, same
from segmenter.modeling.segmenter import EMBEDDING, Sam

# Limits of the golden files' README, section 5.
SPARSE, INTERMEDIATE, EMBEDDED, HALVED = 1e-4, 1e-4, 2e-5, 1.5e-3
LOGITS, LOGITS_RMS, IOU = 3e-4, 6e-5, 1e-5
POSITIONS, INPUT, SCALED_PROMPT = 1e-5, 1e-5, 1e-3
SMALL_UP, LARGE_UP, LARGE_LOW = (7, 9), (9, 11), 4


def config_of(golden: Golden, name: str) -> ModelConfig:
    """The configuration of a model that golden files name; that of `small` is in its file."""
    if name != "small":
        if name not in MODEL_CONFIGS:
            raise Absent(f"no model {name} is known")
        return MODEL_CONFIGS[name]
    sizes = golden.table("small")["config"]
    sam = SamConfig(
        embed_dim=sizes["embed_dim"],
        depth=sizes["depth"],
        num_heads=sizes["num_heads"],
        global_attention_blocks=tuple(sizes["global_attn_indexes"]),
        patch_size=sizes["patch_size"],
        window_size=sizes["window_size"],
        mlp_ratio=sizes["mlp_ratio"],
        prompt_dim=sizes["out_chans"],
    )
    return ModelConfig("sam", sizes["img_size"], 4 * sizes["img_size"] // sizes["patch_size"], sam=sam)


def rebuilt(config: ModelConfig) -> Sam:
    """The model with weights by rule, in evaluation mode; made tensor by tensor, nothing is there twice."""
    with torch.device("meta"):
        model = build(config)
    assert isinstance(model, Sam)
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    model.load_state_dict(weights.state(shapes), assign=True)
    return model.eval()


def manifest_checks(golden: Golden) -> Iterator[Check]:
    """manifests.json: names, shapes and totals of every state dict."""
    for name, manifest in golden.table("manifests").items():
        yield name, partial(_names_and_shapes, golden, name, manifest)


def _names_and_shapes(golden: Golden, name: str, manifest: dict[str, Any]) -> str:
    with torch.device("meta"):
        state = build(config_of(golden, name)).state_dict()
    same(sorted(set(state) ^ set(manifest["tensors"])), [], "names")
    for key, value in state.items():
        same(list(value.shape), manifest["tensors"][key], key)
    encoder = {key: value for key, value in state.items() if key.startswith("image_encoder.")}
    for kind, part in (("n", state), ("encoder", encoder)):
        same(len(part), manifest[f"{kind}_tensors"], f"{kind} tensors")
        same(sum(value.numel() for value in part.values()), manifest[f"{kind}_values"], f"{kind} values")
    return ""


def weight_checks(golden: Golden) -> Iterator[Check]:
    """weight_checks.json: the weight rule itself, bit by bit."""
    for name, keys in golden.table("weight_checks").items():
        for key, expected in keys.items():
            yield f"{name}/{key}", partial(_weight, golden, name, key, expected)


def _weight(golden: Golden, name: str, key: str, expected: dict[str, Any]) -> str:
    made = weights.value(key, _shapes(config_of(golden, name))[key]).numpy()
    same(str(made.dtype), expected["dtype"], "type")
    near(made.flatten()[:3], expected["first"], 0.0)
    return same(zlib.crc32(made.tobytes()), expected["crc32"], "crc32")


@cache
def _shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {key: tuple(value.shape) for key, value in build(config).state_dict().items()}


class Encoded:
    """One picture through one model: the embedding, and what every part of the encoder put out on the way to it."""

    def __init__(self, golden: Golden, model: Callable[[], Sam], picture: str) -> None:
        self._golden, self._model, self._picture = golden, model, picture
        self._seen: dict[str, Tensor] | None = None

    def output(self, place: str) -> NDArray[np.float32]:
        """What patch_embed, block3, layer1_block0, layer1_downsample, neck0 ... put out, or the whole embedding."""
        if self._seen is None:
            self._seen = self._look()
        if place not in self._seen:
            raise Differs(f"the encoder has no {place}")
        return self._seen[place].numpy()

    @torch.inference_mode()
    def _look(self) -> dict[str, Tensor]:
        rgb, model = self._golden.picture(self._picture), self._model()
        config, seen = model.config, dict[str, Tensor]()

        def keep(place: str, _: object, __: object, out: Tensor) -> None:
            seen[place] = out[0]

        hooks = [
            part.register_forward_hook(partial(keep, place)) for place, part in _places(model.image_encoder).items()
        ]
        pixels = torch.from_numpy(transforms.frame_pixels(rgb, config.frame, config.pixel_mean, config.pixel_std))
        seen["embedding"] = model.embed(pixels[None])[EMBEDDING][0]
        for hook in hooks:
            hook.remove()
        return seen


def _places(encoder: nn.Module) -> dict[str, nn.Module]:
    """Parts of an encoder by the names that golden files use."""
    places = {}
    for name, part in encoder.named_modules():
        plain = re.sub(r"^blocks\.(\d+)$", r"block\1", name)
        plain = re.sub(r"^layers\.(\d+)\.(?:blocks\.(\d+)|(downsample))$", r"layer\1_\2\3", plain)
        plain = re.sub(r"_(\d+)$", r"_block\1", plain)
        plain = re.sub(r"^neck\.([012])$", r"neck\1", plain)
        if re.fullmatch(r"patch_embed|(layer\d+_)?block\d+|layer\d+_downsample|neck[012]", plain):
            places[plain] = part
    return places


def small_checks(golden: Golden) -> Iterator[Check]:
    """small.json, small.npz: a whole small model, block by block and prompt by prompt."""
    table, present = golden.table("small"), golden.names("small")
    config = config_of(golden, "small")
    model = cache(lambda: rebuilt(config))
    yield "dense_pe", partial(_grid_positions, golden, model)
    for name in present:
        if name.startswith("masks/"):
            yield name, partial(_mask_rule, golden, name, config.logits)
    for image, facts in table["images"].items():
        encoded = Encoded(golden, model, image)
        for name in present:
            place = name.removeprefix(f"{image}/")
            if name != place and "/" not in place and place != "mask_prev":
                yield name, partial(_small_output, golden, encoded, config, image, place)
        for spec in table["prompts"].get(image, []):
            size, name = (facts["h"], facts["w"]), f"{image}/{spec['name']}"
            prompt = Prompted(golden, "small", name, spec, size, f"{image}/mask_prev")
            embedding = partial(golden.array, "small", f"{image}/embedding")
            up = tuple(table.get("upscaled_stride_yx", SMALL_UP))
            yield name, partial(prompt.judged, model, embedding, ("low", spec["low_stride"]), ("up", up))


def _grid_positions(golden: Golden, model: Callable[[], Sam]) -> str:
    expected = golden.array("small", "dense_pe")
    with torch.inference_mode():
        return near(model().prompt_encoder.pe_layer.grid(*expected.shape[-2:])[0], expected, POSITIONS)


def _mask_rule(golden: Golden, name: str, side: int) -> str:
    stored = golden.array("small", name).reshape(-1, side, side)
    return near(mask_input(golden, name.removeprefix("masks/"), side)[:, 0], stored, 1e-5)


def mask_input(golden: Golden, name: str, side: int) -> NDArray[np.float32]:
    """A mask input by rule (the README's section 3), Bx1xLxL: `mask_disc`, `mask_soft` or both as `mask_pair`."""
    y, x = np.mgrid[:side, :side].astype(np.float64)
    unit, a, b = side / 64, golden.constants.a, golden.constants.b
    disc = np.where((x - a * unit) ** 2 + (y - b * unit) ** 2 <= (14 * unit) ** 2, 10.0, -10.0)
    soft = 8 - 0.5 * np.abs(x - b * unit) / unit - 0.35 * np.abs(y - a * unit) / unit
    known = {"mask_disc": [disc], "mask_soft": [soft], "mask_pair": [disc, soft]}
    if name not in known:
        raise Absent(f"no rule for {name}")
    return np.stack(known[name])[:, None].astype(np.float32)


def _small_output(golden: Golden, encoded: Encoded, config: ModelConfig, image: str, place: str) -> str:
    stored = golden.array("small", f"{image}/{place}")
    if place == "resized_uint8":
        return same(
            bool((transforms.resize_image(golden.picture(image), config.frame) == stored).all()), True, "equal:"
        )
    if place == "input":
        pixels = transforms.frame_pixels(golden.picture(image), config.frame, config.pixel_mean, config.pixel_std)
        return near(pixels[:, ::4, ::4], stored, INPUT)
    return near(encoded.output(place), stored, EMBEDDED if place == "embedding" else INTERMEDIATE)


def large_checks(name: str, golden: Golden) -> Iterator[Check]:
    """NAME.json, NAME.npz of an official model: slices of the encoder's outputs, and prompts where there are some."""
    table, present = golden.table(name), golden.names(name)
    config = config_of(golden, name)
    model = cache(lambda: rebuilt(config))
    encoded = Encoded(golden, model, table["image"])
    for place, facts in table["intermediates"].items():
        yield f"inter/{place}", partial(_large_output, golden, encoded, name, place, facts["full_shape"])
    for key in present:
        if key.startswith("embedding_"):
            yield key, partial(_embedding, golden, encoded, name, key)
    for spec in table["prompts"]:
        height, width = table["image_hw"]
        prompt = Prompted(golden, name, spec["name"], spec, (height, width), "mask_prev")
        embedding = partial(encoded.output, "embedding")
        yield (
            spec["name"],
            partial(prompt.judged, model, embedding, ("low_stride4", LARGE_LOW), ("up_stride", LARGE_UP)),
        )


def _large_output(golden: Golden, encoded: Encoded, name: str, place: str, full: list[int]) -> str:
    out = encoded.output(place)
    if name == "vit_t" and len(full) == 2:
        out = out.reshape(out.shape[0], -1).T  # the reference keeps a list of tokens here
        part = out[:: max(1, full[0] // 64), :: max(1, full[1] // 32)]
    elif name == "vit_t":
        part = out[:: max(1, full[0] // 32), :: full[1] // 8, :: full[2] // 8]
    else:
        step = 8 if name == "vit_b" or place.startswith("neck") else 16
        part = out[::step, ::step, ::step]
    same(list(out.shape), full, "shape")
    return near(part, golden.array(name, f"inter/{place}"), INTERMEDIATE)


def _embedding(golden: Golden, encoded: Encoded, name: str, key: str) -> str:
    whole, stored = encoded.output("embedding"), golden.array(name, key)
    kind = key.removeprefix("embedding_")
    if kind == "channel_mean":
        return near(whole.mean((1, 2)), stored, EMBEDDED)
    if kind == "channel_std":
        return near(whole.std((1, 2)), stored, EMBEDDED)
    steps = {"stride4": (1, 4, 4), "slice": (2, 8, 8), "float16": (1, 2, 2) if name == "vit_t" else (1, 1, 1)}
    if kind not in steps:
        raise Absent(f"no rule for {key}")
    channels, rows, columns = steps[kind]
    limit = HALVED if kind == "float16" else EMBEDDED
    return near(whole[::channels, ::rows, ::columns], stored.astype(np.float32), limit)


class Prompted:
    """One prompt of a golden file, with the arrays that the reference gave for it."""

    def __init__(
        self, golden: Golden, file: str, name: str, spec: dict[str, Any], size: transforms.Size, previous: str
    ) -> None:
        self.golden, self.file, self.name = golden, file, name
        self.spec, self.size, self.previous = spec, size, previous

    @torch.inference_mode()
    def judged(
        self,
        model: Callable[[], Sam],
        embedding: Callable[[], NDArray[np.float32]],
        low: tuple[str, int],
        up: tuple[str, tuple[int, int]],
    ) -> str:
        """Compares prompt tokens, logits, predicted IoU and full-size masks; the embedding is CxHxW."""
        image, sam = {EMBEDDING: torch.from_numpy(np.array(embedding()))[None]}, model()
        coords, labels = self._rows(sam.config.frame)
        mask = self._mask(sam.config.logits)
        count = max(len(coords), 0 if mask is None else len(mask))
        coords, labels = coords.expand(count, -1, -1), labels.expand(count, -1)
        near(sam.prompt_encoder.sparse((coords + 0.5) / sam.config.frame, labels), self._stored("sparse"), SPARSE)
        blank = torch.zeros(count, 1, sam.config.logits, sam.config.logits)
        given = blank if mask is None else mask.expand(count, -1, -1, -1)
        present = torch.full((count,), float(mask is not None))
        if mask is not None and f"{self.name}/dense" in self.golden.names(self.file):
            near(sam.prompt_encoder.dense(given, present)[:, ::2, ::3, ::3], self._stored("dense"), INTERMEDIATE)
        plain = sam.decode(image, coords, labels, given, present)
        stepwise = sam.judge(sam.prepare(image, True), coords, labels, None if mask is None else given)
        drawn = sam.draw(stepwise, torch.arange(count))
        remark = ""
        for logits, scores in (plain, (drawn, stepwise.predicted_iou)):
            near(scores, self._stored("iou"), IOU)
            remark = near(logits[..., :: low[1], :: low[1]], self._stored(low[0]), LOGITS, LOGITS_RMS)
            self._full_size(logits, sam.config.frame, *up)
        return remark

    def _stored(self, name: str) -> NDArray[Any]:
        return self.golden.array(self.file, f"{self.name}/{name}")

    def _framed(self, key: str, frame: int) -> Tensor | None:
        """The prompt's places in the frame, B x N x 2; compared with the reference's where they are stored."""
        given = self.spec["point_coords" if key == "coords" else "boxes"]
        if given is None:
            return None
        places = np.array(given, np.float64)
        framed = transforms.to_frame(places.reshape(-1, 2), self.size, frame)
        stored = self.spec.get(f"model_frame_{key}")
        if stored is not None:
            near(framed, np.array(stored).reshape(-1, 2), SCALED_PROMPT)
        return torch.from_numpy(framed.reshape(len(places), -1, 2)).float()

    def _rows(self, frame: int) -> tuple[Tensor, Tensor]:
        """Coordinates BxNx2 and labels BxN: points, then box corners; without a box one padding point (sam.md 1.4)."""
        points, boxes = self._framed("coords", frame), self._framed("boxes", frame)
        count = len(points if points is not None else boxes if boxes is not None else [0])
        coords, labels = torch.zeros(count, 0, 2), torch.zeros(count, 0)
        if points is not None:
            coords, labels = points, torch.tensor(self.spec["point_labels"], dtype=torch.float32)
        if boxes is not None:
            corners = torch.tensor([[2.0, 3.0]]).expand(count, 2)
            return torch.cat([coords, boxes], 1), torch.cat([labels, corners], 1)
        if points is not None:
            return torch.cat([coords, torch.zeros(count, 1, 2)], 1), torch.cat([labels, -torch.ones(count, 1)], 1)
        return coords, labels

    def _mask(self, side: int) -> Tensor | None:
        name = self.spec["mask_input"]
        if name is None:
            return None
        present = self.golden.names(self.file)
        key = self.previous if name == "mask_prev" else f"masks/{name}"
        stored = self.golden.array(self.file, key) if key in present else mask_input(self.golden, name, side)
        return torch.from_numpy(stored).reshape(-1, 1, side, side)

    def _full_size(self, logits: Tensor, frame: int, name: str, stride: tuple[int, int]) -> None:
        chosen = logits[:, 1:] if self.spec["multimask_output"] else logits[:, :1]
        full = transforms.upsample_mask(chosen.numpy(), self.size, frame)
        near(full[..., :: stride[0], :: stride[1]], self._stored(name), LOGITS, LOGITS_RMS)
        positive = np.array(self.spec["positive_pixels"])
        counted = (full > 0).sum((-1, -2)).reshape(positive.shape)
        if (np.abs(counted - positive) > np.array(self.spec["near_zero_pixels"])).any():
            raise Differs(f"{counted.tolist()} pixels instead of {positive.tolist()}")
