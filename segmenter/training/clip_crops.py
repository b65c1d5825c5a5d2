"""What CLIP's image side makes of single objects: the training prompts of the text token (paper, appendix D.5).

CLIP puts pictures and texts into one space, so a model that learned to answer the picture of an object can be asked
with its name later. Texts themselves are never needed for training.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from segmenter.config import TextConfig
from segmenter.predict import device_of
from segmenter.prompts import Bitmap, tight_box
from segmenter.text import AS_IT_IS, NoTextPrompts, read_clip

NEEDED = ("config.json", "model.safetensors")
# Of the pixels that every CLIP was trained with, on the scale 0..1.
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class Crop:
    """A square picture SxSx3 uint8 around one object, and how much of each of its pixels is the object (SxS, 0..1)."""

    picture: NDArray[np.uint8]
    covered: NDArray[np.float32]


def large_enough(mask: Bitmap, config: TextConfig) -> bool:
    """Whether an object HxW of a frame is worth a crop: the paper leaves out areas below 100 x 100 of 1024 x 1024."""
    return bool(np.count_nonzero(mask) >= (config.least_side * max(mask.shape)) ** 2)


def crop(picture: NDArray[np.uint8], mask: Bitmap, side: int, config: TextConfig, rng: random.Random) -> Crop:
    """The object with some of what surrounds it, ``side`` x ``side``; what lies beyond the picture is black.

    The mask's box grows by a random factor about its centre and then to a square, so nothing is distorted. For a share
    of the crops all that is not the object is black.
    """
    box = tight_box(mask)
    window = rng.uniform(1, config.largest_context) * max(box.x1 - box.x0, box.y1 - box.y0)
    scale = side / window
    place = np.array([side / 2 - scale * (box.x0 + box.x1) / 2, side / 2 - scale * (box.y0 + box.y1) / 2])
    # Pixel centres lie at halves, and OpenCV counts from them.
    affine = np.array([[scale, 0, place[0] + scale / 2 - 0.5], [0, scale, place[1] + scale / 2 - 0.5]])
    if rng.random() < config.blacked_share:
        picture = picture * mask[..., None].astype(np.uint8)
    seen = _moved(picture, affine, side, scale)
    return Crop(np.asarray(seen, np.uint8), _moved(mask.astype(np.float32), affine, side, scale))


def _moved(values: Any, affine: NDArray[np.float64], side: int, scale: float) -> Any:
    if scale < 1:
        # Blurred before it shrinks: warpAffine looks at four pixels, however many one of the crop stands for.
        values = cv2.GaussianBlur(values, (0, 0), 0.5 / scale, borderType=cv2.BORDER_REPLICATE)
    return cv2.warpAffine(values, affine, (side, side), flags=cv2.INTER_LINEAR)


def patches_inside(covered: Tensor, grid: int) -> Tensor:
    """Which patches an object touches: coverage BxSxS -> boolean Bx(grid grid), at least one each."""
    touched = F.adaptive_max_pool2d(covered[:, None], grid).flatten(1)
    return touched >= torch.minimum(touched.amax(1, keepdim=True), touched.new_tensor(0.5))


@dataclass(frozen=True)
class ImageSide:
    """CLIP's image tower. ``dim`` is the width of its embeddings, ``side`` and ``grid`` its picture and patches."""

    tower: Any
    dim: int
    side: int
    grid: int

    @torch.no_grad()
    def embed(self, crops: Sequence[Crop]) -> Tensor:
        """Embeddings of length 1, BxD.

        In the last layer the token that is read out looks only at the patches of the object (appendix D.5).
        """
        device = device_of(self.tower)
        pictures = torch.from_numpy(np.stack([crop.picture for crop in crops])).permute(0, 3, 1, 2).float() / 255
        pixels = (pictures - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
        inside = patches_inside(torch.from_numpy(np.stack([crop.covered for crop in crops])), self.grid)
        vision = self.tower.vision_model
        tokens = vision.pre_layrnorm(vision.embeddings(pixels.to(device)))
        *earlier, last = vision.encoder.layers
        for layer in earlier:
            tokens = layer(tokens, None)
        tokens = last(tokens, _read_out_from(inside).to(device))
        read: Tensor = self.tower.visual_projection(vision.post_layernorm(tokens[:, 0]))
        return F.normalize(read.float(), dim=-1).cpu()


def _read_out_from(inside: Tensor) -> Tensor:
    """What is added to the scores of attention, Bx1xNxN: the first token sees no other than the patches inside."""
    batch, patches = inside.shape
    added = torch.zeros(batch, 1, patches + 1, patches + 1)
    added[:, 0, 0, 0] = -torch.inf
    added[:, 0, 0, 1:].masked_fill_(~inside, -torch.inf)
    return added


def load_image_side(folder: Path, device: torch.device | None = None) -> ImageSide:
    """The image side of a CLIP model in transformers' format, weights as safetensors.

    NoTextPrompts where the extra is not installed, or the folder holds no such model; also where it is only the text
    side.
    """

    def read(transformers: Any) -> ImageSide:
        tower, said = transformers.CLIPVisionModelWithProjection.from_pretrained(
            folder, output_loading_info=True, **AS_IT_IS
        )
        if said["missing_keys"]:
            raise NoTextPrompts(f"no image side in it ({len(said['missing_keys'])} tensors are missing)")
        sizes = tower.config
        return ImageSide(
            tower.eval().to(device), sizes.projection_dim, sizes.image_size, sizes.image_size // sizes.patch_size
        )

    return read_clip(folder, NEEDED, read)
