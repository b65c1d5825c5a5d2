"""Checkpoints that attack whoever opens them: written byte by byte, by name."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

Writer = Callable[[Path, str], None]
HOSTILE: dict[str, Writer] = {}


def hostile(writer: Writer) -> Writer:
    """Takes a function (file, command) into the corpus; the command would create the canary."""
    HOSTILE[writer.__name__] = writer
    return writer


def text(value: str) -> bytes:
    """The instruction that pushes a text."""
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def number(value: int) -> bytes:
    encoded = value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True)
    return b"\x8a" + bytes([len(encoded)]) + encoded


def calling(module: str, name: str, *arguments: bytes) -> bytes:
    """A pickle whose table holds what a function answered."""
    called = f"c{module}\n{name}\n".encode() + b"(" + b"".join(arguments) + b"tR"
    return table(called)


def table(value: bytes, key: bytes = b"") -> bytes:
    return b"\x80\x02}" + (key or text("a")) + value + b"s."


def archive(file: Path, program: bytes, members: dict[str, bytes] | None = None, **options: Any) -> None:
    """A zip as torch writes it, around a pickle."""
    given = {"data.pkl": program, "version": b"3\n", "byteorder": b"little", "data/0": bytes(16), **(members or {})}
    with zipfile.ZipFile(file, "w", **options) as made:
        for name, content in given.items():
            made.writestr(f"archive/{name}", content)


def tensor(count: int = 4, offset: int = 0, shape: tuple[int, ...] = (4,), stride: tuple[int, ...] = (1,)) -> bytes:
    """The instructions for one float32 tensor on storage 0."""
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + number(count) + b"tQ"
    sides, steps = (b"(" + b"".join(map(number, values)) + b"t" for values in (shape, stride))
    rest = number(offset) + sides + steps + b"\x89" + b"ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + rest + b"tR"


def harmless(file: Path) -> None:
    archive(file, table(tensor()))


def _function(name: str, module: str, function: str) -> None:
    def write(file: Path, command: str) -> None:
        archive(file, calling(module, function, text(command)))

    write.__name__ = name
    hostile(write)


for _name, _module, _attribute in (
    ("os_system", "os", "system"),
    ("posix_system", "posix", "system"),
    ("subprocess_popen", "subprocess", "getoutput"),
    ("builtins_eval", "builtins", "eval"),
    ("builtins_exec", "__builtin__", "exec"),
    ("torch_hub", "torch.hub", "load"),
    ("torch_load_again", "torch", "load"),
    ("torch_jit", "torch.jit", "load"),
    ("attribute_of_an_allowed_name", "collections", "OrderedDict.__init__.__globals__"),
    ("runpy", "runpy", "run_path"),
    ("webbrowser", "webbrowser", "open"),
):
    _function(_name, _module, _attribute)


@hostile
def nested_pickle(file: Path, command: str) -> None:
    inner = f"cos\nsystem\n(V{command}\ntR.".encode()
    archive(file, calling("pickle", "loads", b"C" + bytes([len(inner)]) + inner))


@hostile
def name_from_the_stack(file: Path, command: str) -> None:
    archive(file, b"\x80\x04" + text("os") + text("system") + b"\x93" + text(command) + b"\x85R.")


@hostile
def old_instance(file: Path, command: str) -> None:
    archive(file, b"(" + text(command) + b"ios\nsystem\n.")


@hostile
def old_object(file: Path, command: str) -> None:
    archive(file, b"(cos\nsystem\n" + text(command) + b"o.")


@hostile
def new_object(file: Path, command: str) -> None:
    archive(file, b"\x80\x02cos\nsystem\n" + text(command) + b"\x85\x81.")


@hostile
def extension_code(file: Path, command: str) -> None:
    archive(file, b"\x80\x02\x82\x01.")


@hostile
def persistent_name(file: Path, command: str) -> None:
    archive(file, b"Pstorage\n.")


@hostile
def whole_module(file: Path, command: str) -> None:
    torch.save(torch.nn.Linear(2, 2), file)


@hostile
def bare_pickle(file: Path, command: str) -> None:
    file.write_bytes(f"cos\nsystem\n(V{command}\ntR.".encode())


@hostile
def layout_before_zip(file: Path, command: str) -> None:
    torch.save({"a": torch.zeros(2)}, file, _use_new_zipfile_serialization=False)


@hostile
def layout_in_a_tar(file: Path, command: str) -> None:
    with tarfile.open(file, "w") as made:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            content = f"cos\nsystem\n(V{command}\ntR.".encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))


@hostile
def two_pickles(file: Path, command: str) -> None:
    harmless(file)
    with zipfile.ZipFile(file, "a") as made:
        made.writestr("other/data.pkl", calling("os", "system", text(command)))


@hostile
def two_members_of_one_name(file: Path, command: str) -> None:
    harmless(file)
    whole = file.read_bytes().replace(b"archive/byteorder", b"archive/data.pkl\0")
    file.write_bytes(whole.replace(b"archive/version", b"archive/data/00"))


@hostile
def compressed_bomb(file: Path, command: str) -> None:
    archive(file, table(tensor()), {"data/1": bytes(50_000_000)}, compression=zipfile.ZIP_DEFLATED)


@hostile
def overlapping_members(file: Path, command: str) -> None:
    archive(file, table(tensor()), {"data/1": bytes(16)})
    content = bytearray(file.read_bytes())
    first, last = content.find(b"PK\x01\x02"), content.rfind(b"PK\x01\x02")
    content[last + 42 : last + 46] = content[first + 42 : first + 46]
    file.write_bytes(content)


@hostile
def program_in_the_archive(file: Path, command: str) -> None:
    archive(file, table(tensor()), {"code/__torch__.py": b"def forward(): pass", "constants.pkl": b"."})


@hostile
def path_out_of_the_archive(file: Path, command: str) -> None:
    archive(file, table(tensor()), {"../../canary": b"x"})


@hostile
def goes_on_after_its_end(file: Path, command: str) -> None:
    archive(file, table(tensor()) + f"cos\nsystem\n(V{command}\ntR.".encode())


@hostile
def offset_outside_the_storage(file: Path, command: str) -> None:
    archive(file, table(tensor(offset=1 << 40)))


@hostile
def negative_offset(file: Path, command: str) -> None:
    archive(file, table(tensor(offset=-4)))


@hostile
def stride_outside_the_storage(file: Path, command: str) -> None:
    archive(file, table(tensor(shape=(2, 2), stride=(1 << 40, 1))))


@hostile
def negative_stride(file: Path, command: str) -> None:
    archive(file, table(tensor(offset=3, stride=(-1,))))


@hostile
def exbibyte_from_one_number(file: Path, command: str) -> None:
    archive(file, table(tensor(shape=(1 << 29, 1 << 29), stride=(0, 0))))


@hostile
def exbibyte_of_storage(file: Path, command: str) -> None:
    archive(file, table(tensor(count=1 << 58, shape=(1 << 58,))))


@hostile
def storage_that_is_absent(file: Path, command: str) -> None:
    archive(file, table(tensor()).replace(text("0"), text("7")))


@hostile
def allocation_by_a_storage(file: Path, command: str) -> None:
    archive(file, table(b"ctorch\nFloatStorage\n(" + number(1 << 58) + b"tR"))


@hostile
def lying_sparse_rows(file: Path, command: str) -> None:
    rows, shape = b"(" + tensor() * 3 + b"t", b"(" + number(1 << 60) * 2 + b"t"
    archive(file, calling("torch._utils", "_rebuild_sparse_tensor", text("csr"), b"(" + rows + shape + b"t"))


@hostile
def quantised(file: Path, command: str) -> None:
    arguments = b"".join((number(0), b"(" + number(4) + b"t", b"(" + number(1) + b"t"))
    archive(file, calling("torch._utils", "_rebuild_qtensor", arguments))


@hostile
def million_names(file: Path, command: str) -> None:
    archive(file, pickle.dumps({f"k{index}": index for index in range(1_000_000)}, protocol=2))


@hostile
def endless_name(file: Path, command: str) -> None:
    archive(file, table(tensor(), text("a" * 5_000_000)))


@hostile
def table_in_a_table(file: Path, command: str) -> None:
    archive(file, table(b"}" + text("b") + tensor() + b"s"))


@hostile
def numbers_as_names(file: Path, command: str) -> None:
    archive(file, table(tensor(), number(1)))


@hostile
def not_a_number(file: Path, command: str) -> None:
    archive(file, table(tensor()), {"data/0": struct.pack("<4f", 1, float("nan"), 2, 3)})


@hostile
def no_table(file: Path, command: str) -> None:
    archive(file, b"\x80\x02" + tensor() + b".")


@hostile
def cut_off(file: Path, command: str) -> None:
    harmless(file)
    file.write_bytes(file.read_bytes()[:-40])


def hashed_for_ever(file: Path) -> None:
    """A name of 2^60 leaves in 60 lines: every allowed instruction is harmless, hashing the whole is not."""
    doubled = b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))
    archive(file, table(tensor(), b")" + doubled))
