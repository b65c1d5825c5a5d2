"""Takes from this process, for ever, what code that reads strangers' files never needs: a seccomp filter on Linux.

No sockets, no programs, no further processes (threads stay), no signals to others, no reading of other processes.
Numbers and structures: linux/seccomp.h, linux/filter.h and the system call tables of the two architectures.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import sys

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER_MODE = 38, 22, 2
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16  # in struct seccomp_data, little-endian
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_CLONE_THREAD = 0x00010000
_OTHER_TABLE = 0x40000000  # x32 calls of x86-64

# Architecture as the kernel names it; clone, clone3; the calls that are refused: socket, socketpair, fork, vfork,
# execve, execveat, ptrace, process_vm_readv and _writev, kill, pidfd_send_signal, io_uring_setup.
_TABLES = {
    "x86_64": (0xC000003E, 56, 435, (41, 53, 57, 58, 59, 322, 101, 310, 311, 62, 424, 425)),
    "aarch64": (0xC00000B7, 220, 435, (198, 199, 221, 281, 117, 270, 271, 129, 424, 425)),
}


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def confine() -> None:
    """Refuse those calls with EPERM from now on. Where the kernel offers no filter, say so on standard error."""
    table = _TABLES.get(platform.machine())
    library = ctypes.CDLL(None, use_errno=True)
    if table is not None and library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
        instructions = _instructions(*table)
        program = _Program(len(instructions), (_Instruction * len(instructions))(*instructions))
        if library.prctl(_SET_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0) == 0:
            return
    sys.stderr.write("this system has no filter of system calls: files are read without one\n")


def _instructions(architecture: int, clone: int, clone3: int, refused: tuple[int, ...]) -> list[_Instruction]:
    refuse = _Instruction(_RETURN, 0, 0, _REFUSE | errno.EPERM)
    made = [
        _Instruction(_LOAD, 0, 0, _ARCHITECTURE_AT),
        _Instruction(_IF_EQUAL, 1, 0, architecture),
        _Instruction(_RETURN, 0, 0, _KILL),
        _Instruction(_LOAD, 0, 0, _NUMBER_AT),
        _Instruction(_IF_AT_LEAST, 0, 1, _OTHER_TABLE),
        refuse,
    ]
    for number in refused:
        made += [_Instruction(_IF_EQUAL, 0, 1, number), refuse]
    # The flags of clone3 are behind a pointer; without it the C library takes clone.
    made += [_Instruction(_IF_EQUAL, 0, 1, clone3), _Instruction(_RETURN, 0, 0, _REFUSE | errno.ENOSYS)]
    made += [
        _Instruction(_IF_EQUAL, 0, 3, clone),
        _Instruction(_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        _Instruction(_IF_BITS, 1, 0, _CLONE_THREAD),
        refuse,
    ]
    return [*made, _Instruction(_RETURN, 0, 0, _ALLOW)]
