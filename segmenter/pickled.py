"""Looks at a torch checkpoint (.pth, .pt) without unpickling it: is it a plain table of tensors, and nothing else?

A checkpoint is a zip archive of one pickle and the bytes of its tensors. A pickle is a program for a stack machine;
here only the instructions and names are allowed that building a state dict takes. Older layouts (a bare pickle, a tar)
and programs (TorchScript) are refused. No torch.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
from pathlib import Path
from typing import Final

MAX_TENSORS: Final = 20_000
MAX_PICKLE_BYTES: Final = 16 * 1024 * 1024
MAX_INSTRUCTIONS: Final = 2_000_000
MAX_TEXT: Final = 1_000  # characters of a name

_STORAGES = ("Float", "Half", "BFloat16", "Double", "Long", "Int", "Short", "Char", "Byte", "Bool")
NAMES: Final = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    *(f"torch {kind}Storage" for kind in _STORAGES),
}
INSTRUCTIONS: Final = {
    *("PROTO", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE"),
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"),
    *("EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
    *("BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET", "APPEND", "APPENDS", "SETITEM", "SETITEMS"),
    *("GLOBAL", "REDUCE", "BUILD", "BINPERSID"),
}
# <archive>/data.pkl, /data/0 ..., and what torch writes beside them.
_MEMBER = re.compile(
    r"[^/\\\0]{1,200}/(data\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id|data/\d{1,6})"
)


def check_archive(file: Path) -> None:
    """Raises ValueError that says why the file is no plain table of tensors."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_members(members, file.stat().st_size)
            pickles = [member for member in members if member.filename.endswith("/data.pkl")]
            if len(pickles) != 1 or pickles[0].file_size > MAX_PICKLE_BYTES:
                raise ValueError(f"it holds {len(pickles)} pickles, or one beyond {MAX_PICKLE_BYTES} bytes")
            program = archive.read(pickles[0])
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise ValueError(f"it is no zip archive as torch writes since version 1.6: {error}") from None
    check_pickle(program)


def _check_members(members: list[zipfile.ZipInfo], file_bytes: int) -> None:
    names = [member.filename for member in members]
    if len(members) > MAX_TENSORS or len(set(names)) != len(names):
        raise ValueError(f"it has {len(members)} members, too many or some of one name")
    if len({name.split("/", 1)[0] for name in names}) != 1:
        raise ValueError("its members are not in one folder")
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if not _MEMBER.fullmatch(member.filename):
            raise ValueError(f"its member {member.filename[:80]!r} does not belong to a table of tensors")
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise ValueError(f"its member {member.filename[:80]!r} is compressed")
        if member.flag_bits & 1 or member.header_offset < end:
            raise ValueError(f"its member {member.filename[:80]!r} is encrypted or overlaps another")
        end = member.header_offset + member.file_size
    if end > file_bytes:
        raise ValueError("its members are larger than the file")


def check_pickle(program: bytes) -> None:
    """Raises ValueError where the pickle does anything but build a table of tensors."""
    tensors = end = 0
    try:
        for count, (instruction, argument, place) in enumerate(pickletools.genops(program)):
            name = instruction.name
            if name not in INSTRUCTIONS:
                raise ValueError(f"its pickle has the instruction {name}")
            if name == "GLOBAL" and argument not in NAMES:
                raise ValueError(f"its pickle names {str(argument)[:80]!r}, which no table of tensors needs")
            if isinstance(argument, str) and len(argument) > MAX_TEXT:
                raise ValueError(f"its pickle has a text of {len(argument)} characters")
            tensors += name == "BINPERSID"
            if count > MAX_INSTRUCTIONS or tensors > MAX_TENSORS:
                raise ValueError(f"its pickle is longer than one of {MAX_TENSORS} tensors")
            end = (place or 0) + 1
    except (UnicodeError, IndexError, KeyError, OverflowError) as error:
        raise ValueError(f"its pickle is damaged: {error}") from None
    if end != len(program):
        raise ValueError("its pickle goes on after its end")
