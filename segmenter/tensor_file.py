"""The header of a safetensors file, checked by itself before any library reads the file. No torch.

A file is an 8-byte length, a JSON header of that length (name -> type, shape, first and last byte) and the bytes of the
tensors. What the header says must cover those bytes exactly; sizes are bounded, so that no header can exhaust a reader.
"""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any, Final

MAX_HEADER_BYTES: Final = 8 * 1024 * 1024
MAX_TENSORS: Final = 20_000
MAX_DIMENSIONS: Final = 8
METADATA: Final = "__metadata__"
# Types of plain numbers and their bytes.
TYPES: Final = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def check_tensor_file(file: Path) -> dict[str, str]:
    """The file's metadata. Raises ValueError that says what is wrong with the header."""
    header, data_bytes = _header(file)
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("its metadata are not a table of texts")
    if len(header) > MAX_TENSORS:
        raise ValueError(f"it has {len(header)} tensors, more than {MAX_TENSORS}")
    end = 0
    for first, last in sorted(_span(name, entry) for name, entry in header.items()):
        if first != end:
            raise ValueError(f"its tensors leave a gap or overlap at byte {end}")
        end = last
    if end != data_bytes:
        raise ValueError(f"its tensors end at byte {end} of {data_bytes}")
    return metadata


def _header(file: Path) -> tuple[dict[str, Any], int]:
    """The header's table and the number of bytes after it."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
            raise ValueError(f"its header of {length} bytes is cut off or longer than {MAX_HEADER_BYTES}")
        text = stream.read(length)
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_table, parse_constant=_constant)
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None
    if not isinstance(header, dict):
        raise ValueError("its header is no table")
    return header, size - 8 - length


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("its header names something twice")
    return table


def _constant(text: str) -> None:
    raise ValueError(f"its header holds {text}")


def _span(name: str, entry: Any) -> tuple[int, int]:
    """First byte of a tensor and the one after its last."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name[:80]} is not described by type, shape and place")
    width = TYPES.get(str(entry["dtype"]))
    if width is None:
        raise ValueError(f"{name[:80]} is of the unknown type {str(entry['dtype'])[:20]}")
    shape, place = entry["shape"], entry["data_offsets"]
    if not _counts(shape) or len(shape) > MAX_DIMENSIONS or not _counts(place) or len(place) != 2:
        raise ValueError(f"{name[:80]} has no possible shape or place")
    if place[1] - place[0] != math.prod(shape) * width:
        raise ValueError(f"{name[:80]} takes {place[1] - place[0]} bytes, its shape {math.prod(shape) * width}")
    return place[0], place[1]


def _counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)
