"""Small ONNX graphs that answer like detectors."""

import json

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

_TYPES = {"float": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}


def constant_graph(path, outputs, *, shape=(1, 3, 32, 48), dtype="float", input_name="images", sizes=None):
    """Write a graph that takes pictures and answers with constant arrays, whatever it sees.

    Args:
        outputs: Arrays by name, with the batch dimension.
        sizes: Name of a second input, int64 [B, 2], which is the output `sizes`.
    """
    inputs = [helper.make_tensor_value_info(input_name, _TYPES[dtype], list(shape))]
    nodes = []
    for name, array in outputs.items():
        # An output that hangs on the input, so that ONNX Runtime keeps it.
        nodes += [
            helper.make_node("Constant", [], [f"{name}_c"], value=numpy_helper.from_array(array)),
            helper.make_node("Shape", [input_name], [f"{name}_s"]),
            helper.make_node("Size", [f"{name}_s"], [f"{name}_n"]),
            helper.make_node("Sub", [f"{name}_n", f"{name}_n"], [f"{name}_z"]),
            helper.make_node(
                "Cast", [f"{name}_z"], [f"{name}_f"], to=helper.np_dtype_to_tensor_dtype(array.dtype)
            ),
            helper.make_node("Add", [f"{name}_c", f"{name}_f"], [name]),
        ]
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), list(array.shape))
        for name, array in outputs.items()
    ]
    if sizes is not None:
        inputs.append(helper.make_tensor_value_info(sizes, TensorProto.INT64, [1, 2]))
        nodes.append(helper.make_node("Identity", [sizes], ["sizes"]))
        infos.append(helper.make_tensor_value_info("sizes", TensorProto.INT64, [1, 2]))
    return _saved(path, nodes, inputs, infos)


def echo_graph(path, *, shape=(1, 3, 8, 12), dtype="float"):
    """Write a graph that answers with what it was given, as `rows` [B, columns, ...]."""
    inputs = [helper.make_tensor_value_info("images", _TYPES[dtype], list(shape))]
    outputs = [helper.make_tensor_value_info("echo", _TYPES[dtype], list(shape))]
    return _saved(path, [helper.make_node("Identity", ["images"], ["echo"])], inputs, outputs)


def bright_spots_graph(path, *, batch=1, size=(32, 48)):
    """Write a graph whose map of centers is the brightness of cells of 4 pixels; boxes are 3 x 2 cells."""
    h, w = size[0] // 4, size[1] // 4
    inputs = [helper.make_tensor_value_info("rgb", TensorProto.FLOAT, [batch, 3, *size])]
    one = [1] if batch == "B" else [batch]
    sizes = np.concatenate([np.full((1, 1, h, w), 3.0), np.full((1, 1, h, w), 2.0)], axis=1).astype(
        np.float32
    )
    scale = np.array(1 / 255, np.float32)
    nodes = [
        helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(scale)),
        helper.make_node("Mul", ["rgb", "k"], ["bright"]),
        helper.make_node("ReduceMean", ["bright"], ["gray"], axes=[1], keepdims=1),
        helper.make_node("AveragePool", ["gray"], ["center"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Constant", [], ["sizes"], value=numpy_helper.from_array(sizes)),
        helper.make_node("Sub", ["center", "center"], ["zero"]),
        helper.make_node("Add", ["zero", "sizes"], ["scale"]),
    ]
    infos = [
        helper.make_tensor_value_info("center", TensorProto.FLOAT, [*one, 1, h, w]),
        helper.make_tensor_value_info("scale", TensorProto.FLOAT, [*one, 2, h, w]),
    ]
    return _saved(path, nodes, inputs, infos, opset=13)


def described(path, **content):
    """Write the description beside a graph."""
    path.with_suffix(".json").write_text(json.dumps(content))
    return path


def _saved(path, nodes, inputs, outputs, opset=17):
    graph = helper.make_graph(nodes, "detector", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    save(model, str(path))
    return path
