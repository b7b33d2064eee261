"""Nodes as text and back, for `pickle`: the applications of ops, with the states and constants beside.

Nodes are immutable and interned, so a node that is read back where the same states are alive is the
node itself.
"""

from __future__ import annotations

import copyreg
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid import plain, schema
from pellucid.graph.dtype import ORDER
from pellucid.graph.node import Literal, Node, State, apply, ordered
from pellucid.graph.op import Array
from pellucid.graph.origin import origin

_INDEX = schema.whole(0, 2**31)
_NODE = schema.record(
    op=schema.text(60),
    inputs=schema.items(_INDEX),
    attrs=schema.mapping(schema.anything),
    origin=schema.text(),
)
_NODES = schema.record(nodes=schema.items(_NODE, most=10**7), roots=schema.items(_INDEX))
_SPECIAL = schema.record(type=schema.one_of("state", "constant"), index=_INDEX)
_DTYPE = schema.record(type=schema.one_of("dtype"), name=schema.one_of(*(d.name for d in ORDER)))

Saved = tuple[str, tuple[State, ...], tuple[Array, ...]]
"""Text, the states that nodes read, and the constants."""


def saved(roots: Sequence[Node]) -> Saved:
    """The nodes, with all that they are made of."""
    states: dict[State, int] = {}
    constants: list[Array] = []

    def inner(value: Any, where: str) -> Any:
        if isinstance(value, State):
            return {"type": "state", "index": states.setdefault(value, len(states))}
        if isinstance(value, Literal):
            constants.append(value.array)
            return {"type": "constant", "index": len(constants) - 1}
        if isinstance(value, np.dtype):
            return {"type": "dtype", "name": value.name}
        raise TypeError(f"{where} is a {type(value).__name__}, which cannot be written")

    nodes = ordered(roots)
    index_of = {node: index for index, node in enumerate(nodes)}
    text = json.dumps(
        {
            "nodes": [
                {
                    "op": node.op,
                    "inputs": [index_of[source] for source in node.inputs],
                    "attrs": {
                        name: plain.write(value, f"{node.op} {name}", inner)
                        for name, value in node.attrs.items()
                    },
                    "origin": node.origin,
                }
                for node in nodes
            ],
            "roots": [index_of[root] for root in roots],
        }
    )
    return text, tuple(states), tuple(constants)


def restored(text: str, states: Sequence[State], constants: Sequence[Array]) -> list[Node]:
    """The nodes that `saved` wrote; raises ModelFileError or ValueError for anything else."""

    def inner(value: Any, where: str) -> Any:
        if value.get("type") == "dtype":
            return np.dtype(_DTYPE(value, where)["name"])
        reference = _SPECIAL(value, where)
        several: Sequence[Any] = states if reference["type"] == "state" else constants
        if reference["index"] >= len(several):
            raise schema.refuse(where, f"one of {len(several)}", reference["index"])
        one = several[reference["index"]]
        return one if reference["type"] == "state" else Literal(one)

    content = _NODES(schema.parse(text), "nodes")
    nodes: list[Node] = []
    for entry in content["nodes"]:
        if any(index >= len(nodes) for index in entry["inputs"]):
            raise ValueError("a node comes before its inputs")
        attrs = {
            name: plain.read(value, f"{entry['op']} {name}", inner)
            for name, value in entry["attrs"].items()
        }
        with origin(entry["origin"]):
            nodes.append(apply(entry["op"], [nodes[i] for i in entry["inputs"]], **attrs))
    if any(index >= len(nodes) for index in content["roots"]):
        raise ValueError("a root is no node")
    return [nodes[index] for index in content["roots"]]


def restored_node(text: str, states: Sequence[State], constants: Sequence[Array]) -> Node:
    """The only root."""
    (node,) = restored(text, states, constants)
    return node


def _reduced(node: Node) -> tuple[Any, ...]:
    """How `pickle` writes a node."""
    return restored_node, saved([node])


copyreg.pickle(Node, _reduced)
