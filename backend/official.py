"""The official checkpoints of Segment Anything and MobileSAM: where they are, and what they must be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

META = "https://dl.fbaipublicfiles.com/segment_anything"


@dataclass(frozen=True)
class OfficialCheckpoint:
    """One published file: size in bytes, SHA-256 in hex, licence and where it is described."""

    url: str
    size: int
    sha256: str
    licence: str
    home: str

    @property
    def file_name(self) -> str:
        """As it is published."""
        return PurePosixPath(self.url).name


def _meta(file_name: str, size: int, sha256: str) -> OfficialCheckpoint:
    home = "https://github.com/facebookresearch/segment-anything"
    return OfficialCheckpoint(f"{META}/{file_name}", size, sha256, "Apache-2.0", home)


OFFICIAL: Final = {
    "vit_b": _meta(
        "sam_vit_b_01ec64.pth", 375_042_383, "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912"
    ),
    "vit_l": _meta(
        "sam_vit_l_0b3195.pth", 1_249_524_607, "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622"
    ),
    "vit_h": _meta(
        "sam_vit_h_4b8939.pth", 2_564_550_879, "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e"
    ),
    "mobile_sam": OfficialCheckpoint(
        "https://github.com/ChaoningZhang/MobileSAM/raw/master/weights/mobile_sam.pt",
        40_728_226,
        "6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
        "Apache-2.0",
        "https://github.com/ChaoningZhang/MobileSAM",
    ),
}
