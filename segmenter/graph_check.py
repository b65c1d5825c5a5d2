"""Looks at the ONNX graphs of a release: do they hold everything themselves, in operators that every runtime has?

A graph may name files outside of itself for its numbers, which a runtime would then read; one from elsewhere could name
any file. The look happens in a limited child process, at bytes alone: nothing is loaded that a graph points to.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from segmenter.limited import Child, Failed, Limits, Stopped

MAX_BYTES: Final = 2**31 - 1  # protobuf holds no more
MAX_NODES: Final = 5_000
MAX_DEPTH: Final = 40  # of messages in messages
DOMAINS: Final = ("", "ai.onnx")
LIBRARIES_BYTES: Final = 4 * 1024**3
_STOPPED = {
    "memory": "it needs too much memory to read",
    "time": "reading it takes too long",
    "died": "it cannot be read",
}


class InvalidGraph(ValueError):
    """The file is no ONNX graph that may be used; the text says which file and why."""


def check_graphs(files: list[Path]) -> None:
    """Raises InvalidGraph for the first file that is no graph, or one that is not complete in itself."""
    largest = max((file.stat().st_size for file in files), default=0)
    if largest > MAX_BYTES:
        raise InvalidGraph(f"an ONNX file of {largest} bytes cannot be whole")
    limits = Limits(LIBRARIES_BYTES + 4 * largest, cpu_seconds=120, wall_seconds=300.0, reply_bytes=65536)
    with Child("segmenter.graph_check:refusal", limits) as child:
        for file in files:
            try:
                reason, _ = child.call(source=str(file.absolute()))
            except Stopped as stopped:
                raise InvalidGraph(f"{file} is refused: {_STOPPED[stopped.reason]}") from None
            except Failed as failed:
                raise InvalidGraph(f"{file} is refused: it cannot be read: {failed}") from None
            if reason is not None:
                raise InvalidGraph(f"{file} is refused: {reason}")


# --- in the child ---------------------------------------------------------------------------------------------------


def refusal(source: str) -> tuple[str | None, list[bytes]]:
    """Why the graph may not be used, or None."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(Path(source).read_bytes())
    except DecodeError:
        return "it is no ONNX file", []
    if not model.graph.node:
        return "it holds no graph", []
    nodes = 0
    for message in _messages(model, 0):
        if isinstance(message, onnx.TensorProto) and (message.external_data or message.data_location):
            return f"its numbers {message.name[:80]!r} are in another file", []
        if isinstance(message, onnx.NodeProto):
            nodes += 1
            if message.domain not in DOMAINS:
                return f"its operator {message.op_type[:80]!r} is of the foreign domain {message.domain[:80]!r}", []
    return (f"it has {nodes} nodes, more than {MAX_NODES}" if nodes > MAX_NODES else None), []


def _messages(message: Any, depth: int) -> Iterator[Any]:
    """Every message inside of a message, wherever the format has room for one: subgraphs, functions, training too."""
    if depth > MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    yield message
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in value if not hasattr(value, "ListFields") else [value]:
                yield from _messages(inner, depth + 1)
