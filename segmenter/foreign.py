"""Weights files of strangers: read in a limited child process, handed over as a safetensors file that is checked again.

Nothing here is pickled between the processes; the parent never reads the stranger's file itself.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from segmenter.limited import Child, Failed, Limits, Stopped
from segmenter.pickled import MAX_TENSORS, check_archive
from segmenter.tensor_file import check_tensor_file

if TYPE_CHECKING:
    from torch import Tensor

PICKLED: Final = (".pth", ".pt")
SAFETENSORS: Final = ".safetensors"
MAX_FILE_BYTES: Final = 8 * 1024**3  # ViT-H has 2.6 GB
LIBRARIES_BYTES: Final = 8 * 1024**3  # address space that torch takes by itself
COPIES: Final = 6  # of a half-precision file in memory at most: as it is, in full, and as the bytes to write
SECONDS_A_GIGABYTE: Final = 60
# Names at the top of checkpoints that wrap their table.
_WRAPPED = {"model": "EfficientSAM or SAM 2"}
_STOPPED = {
    "memory": "it needs more memory than weights of its size can",
    "time": "reading it takes too long",
    "died": "reading it broke off",
}


class Refused(ValueError):
    """The file is no plain table of tensors; the text says why."""


def read_foreign(file: Path) -> dict[str, Tensor]:
    """The tensors of a stranger's file by name, on the CPU, floating-point numbers in full precision.

    Raises Refused; OSError where the file cannot be read at all.
    """
    from safetensors.torch import load_file

    size = file.stat().st_size
    if size > MAX_FILE_BYTES:
        raise Refused(f"it has {size} bytes, more than the {MAX_FILE_BYTES} of any model here")
    with tempfile.TemporaryDirectory(prefix="maskmill-weights-") as scratch:
        target = Path(scratch) / "weights.safetensors"
        with Child("segmenter.foreign:convert", limits(size)) as child:
            try:
                refusal, _ = child.call(source=str(file.absolute()), target=str(target))
            except Stopped as stopped:
                raise Refused(_STOPPED[stopped.reason]) from None
            except Failed as failed:
                raise Refused(f"it cannot be read: {failed}") from None
        if refusal is not None:
            raise Refused(str(refusal))
        try:
            check_tensor_file(target)
        except ValueError as error:
            raise Refused(f"what was read of it is no table of tensors: {error}") from None
        return load_file(target)


def limits(file_bytes: int) -> Limits:
    """What reading a file of that size may take."""
    seconds = 60 + SECONDS_A_GIGABYTE * file_bytes // 1024**3
    memory = LIBRARIES_BYTES + COPIES * file_bytes
    written = 4 * file_bytes + 1024**2
    return Limits(memory, cpu_seconds=seconds, wall_seconds=4.0 * seconds, reply_bytes=65536, file_bytes=written)


# --- in the child ---------------------------------------------------------------------------------------------------


def convert(source: str, target: str) -> tuple[str | None, list[bytes]]:
    """Writes the tensors of ``source`` into the safetensors file ``target``. Returns why not, or None."""
    file = Path(source)
    try:
        check_archive(file) if file.suffix in PICKLED else check_tensor_file(file)
        _write(_loaded(file), file.stat().st_size, Path(target))
    except MemoryError:
        raise
    except ValueError as error:
        return str(error), []
    except Exception as error:  # noqa: BLE001 damaged tables fail in any way that a stack machine can
        return f"it cannot be read as weights: {type(error).__name__}: {error}"[:500], []
    return None, []


def _loaded(file: Path) -> Any:
    import torch
    from safetensors.torch import load_file

    return load_file(file) if file.suffix == SAFETENSORS else torch.load(file, map_location="cpu", weights_only=True)


def _write(state: Any, file_bytes: int, target: Path) -> None:
    from safetensors.torch import save_file

    if not isinstance(state, dict) or not 0 < len(state) <= MAX_TENSORS:
        raise ValueError("it holds no table of tensors")
    for name, value in state.items():
        _check(name, value)
    claimed = sum(value.numel() * value.element_size() for value in state.values())
    if claimed > 2 * file_bytes:  # a tensor may be there under two names, but not millions of times
        raise ValueError(f"its tensors claim {claimed} bytes, the file has {file_bytes}")
    whole: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, value in state.items():
        plain = value.detach().float().contiguous() if value.is_floating_point() else value.detach().contiguous()
        if plain.is_floating_point() and not bool(plain.isfinite().all()):
            raise ValueError(f"{name} holds numbers that are not finite")
        place = plain.untyped_storage().data_ptr()
        whole[name] = plain.clone() if place in seen else plain  # one storage under two names is no safetensors
        seen.add(place)
    save_file(whole, target)


def _check(name: Any, value: Any) -> None:
    import torch

    if not isinstance(name, str) or not isinstance(value, torch.Tensor):
        family = _WRAPPED.get(str(name))
        raise ValueError(
            f"{str(name)[:80]} is not a tensor" + (f"; {family} checkpoints are not supported" if family else "")
        )
    if value.layout != torch.strided or value.is_quantized or value.is_complex() or value.is_meta:
        raise ValueError(f"{name} is not a dense tensor of plain numbers")
