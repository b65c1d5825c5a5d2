"""ONNX graphs that point outside of themselves, wherever the format has room for that, are refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from segmenter.graph_check import InvalidGraph, check_graphs
from segmenter.manifest import DECODER, ENCODER, STARTER


def outside(name: str = "w") -> TensorProto:
    """Numbers that lie in /etc/passwd."""
    tensor = numpy_helper.from_array(np.zeros(2, np.float32), name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return tensor


def plain(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"]), *nodes], "g", value[:1], value[1:])
    return helper.make_model(graph)


def with_initializer() -> onnx.ModelProto:
    model = plain()
    model.graph.initializer.append(outside())
    return model


def with_sparse_initializer() -> onnx.ModelProto:
    model = plain()
    model.graph.sparse_initializer.add().values.CopyFrom(outside())
    return model


def with_constant() -> onnx.ModelProto:
    return plain(helper.make_node("Constant", [], ["c"], value=outside()))


def with_subgraph() -> onnx.ModelProto:
    return plain(helper.make_node("If", ["x"], ["z"], then_branch=with_constant().graph, else_branch=plain().graph))


def with_function() -> onnx.ModelProto:
    model = plain()
    model.functions.add(name="f", domain="").node.add(op_type="Constant").attribute.add(name="value", t=outside())
    return model


def with_training() -> onnx.ModelProto:
    model = plain()
    model.training_info.add().algorithm.initializer.append(outside())
    return model


def with_location_alone() -> onnx.ModelProto:
    model = plain()
    model.graph.initializer.add(name="w", data_location=TensorProto.EXTERNAL)
    return model


def with_foreign_operator() -> onnx.ModelProto:
    return plain(helper.make_node("LoadLibrary", ["x"], ["z"], domain="com.example"))


def with_many_nodes() -> onnx.ModelProto:
    return plain(*[helper.make_node("Relu", ["x"], [f"y{index}"]) for index in range(5_000)])


BAD: dict[Callable[[], onnx.ModelProto], str] = {
    with_initializer: "in another file",
    with_sparse_initializer: "in another file",
    with_constant: "in another file",
    with_subgraph: "in another file",
    with_function: "in another file",
    with_training: "in another file",
    with_location_alone: "in another file",
    with_foreign_operator: "foreign domain 'com.example'",
    with_many_nodes: "more than 5000",
}


def test_graphs_that_point_outside_are_refused(tmp_path: Path) -> None:
    for make, reason in BAD.items():
        file = tmp_path / f"{make.__name__}.onnx"
        file.write_bytes(make().SerializeToString())
        with pytest.raises(InvalidGraph, match=f"{make.__name__}.onnx is refused: .*{reason}"):
            check_graphs([file])


@pytest.mark.parametrize(
    "content", [b"", b"no graph", b"\x0a" * 1000, onnx.ModelProto(ir_version=8).SerializeToString()]
)
def test_what_is_no_graph_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(InvalidGraph, match=r"no ONNX file|no graph"):
        check_graphs([tmp_path / "x.onnx"])


def test_the_shipped_graphs_are_complete_in_themselves() -> None:
    check_graphs([STARTER / ENCODER, STARTER / DECODER])
