"""Changing the nodes of a graph that is there, in place."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper


def read_constants(graph: onnx.GraphProto) -> Mapping[str, npt.NDArray[np.generic]]:
    """Return the values of the initialisers by name."""
    return {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}


def read_attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """Return the value of an attribute, `default` where the node has none of this name."""
    found = (helper.get_attribute_value(one) for one in node.attribute if one.name == name)
    return next(found, default)


def copy_node(node: onnx.NodeProto) -> onnx.NodeProto:
    """Return a copy, because clearing a repeated field invalidates what it held."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    return copy


def replace_nodes(graph: onnx.GraphProto, nodes: Iterable[onnx.NodeProto]) -> None:
    """Put copies of `nodes` in the place of the graph's, and forget the constants that none of them reads."""
    copies = [copy_node(node) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    read = {name for node in copies for name in node.input}
    kept = [constant for constant in graph.initializer if constant.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def drop_unread(graph: onnx.GraphProto) -> None:
    """Drop the nodes and constants that no output of the graph depends on."""
    wanted = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if not wanted.isdisjoint(node.output):
            wanted.update(node.input)
            kept.append(node)
    replace_nodes(graph, reversed(kept))
