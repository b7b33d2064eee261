"""Nodes as text and back, for `pickle` and `copy`: what was applied to what, with states beside it.

Nodes are immutable and interned, so a node that is read back where the same states are alive is the
node itself. A copy of a node that reads no state is the node; one that reads states is a node that
reads their copies, so that all that is copied together stays together.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid import plain, schema
from pellucid.graph.dtype import ORDER
from pellucid.graph.node import Literal, Node, State, apply, ordered
from pellucid.graph.op import Array
from pellucid.graph.origin import origin

_PLACE = schema.whole(0, 2**31)
_NODE = schema.record(
    op=schema.text(60),
    inputs=schema.items(_PLACE),
    attrs=schema.mapping(schema.anything),
    origin=schema.text(),
)
_NODES = schema.record(nodes=schema.items(_NODE, most=10**7), roots=schema.items(_PLACE))
_SPECIAL = schema.record(type=schema.one_of("state", "constant"), place=_PLACE)
_DTYPE = schema.record(type=schema.one_of("dtype"), name=schema.one_of(*(d.name for d in ORDER)))

Saved = tuple[str, tuple[State, ...], tuple[Array, ...]]
"""Text, the states that nodes read, and the constants."""


def saved(roots: Sequence[Node]) -> Saved:
    """The nodes, with all that they are made of."""
    states: dict[State, int] = {}
    constants: list[Array] = []

    def inner(value: Any, where: str) -> Any:
        if isinstance(value, State):
            return {"type": "state", "place": states.setdefault(value, len(states))}
        if isinstance(value, Literal):
            constants.append(value.array)
            return {"type": "constant", "place": len(constants) - 1}
        if isinstance(value, np.dtype):
            return {"type": "dtype", "name": value.name}
        raise TypeError(f"{where} is a {type(value).__name__}, which cannot be written")

    nodes = ordered(roots)
    place = {node: at for at, node in enumerate(nodes)}
    text = json.dumps(
        {
            "nodes": [
                {
                    "op": node.op,
                    "inputs": [place[source] for source in node.inputs],
                    "attrs": {
                        name: plain.write(value, f"{node.op} {name}", inner)
                        for name, value in node.attrs.items()
                    },
                    "origin": node.origin,
                }
                for node in nodes
            ],
            "roots": [place[root] for root in roots],
        }
    )
    return text, tuple(states), tuple(constants)


def restored(text: str, states: Sequence[State], constants: Sequence[Array]) -> list[Node]:
    """The nodes that `saved` wrote; raises ModelFileError or ValueError for anything else."""

    def inner(value: Any, where: str) -> Any:
        if value.get("type") == "dtype":
            return np.dtype(_DTYPE(value, where)["name"])
        found = _SPECIAL(value, where)
        several: Sequence[Any] = states if found["type"] == "state" else constants
        if found["place"] >= len(several):
            raise schema.refuse(where, f"one of {len(several)}", found["place"])
        one = several[found["place"]]
        return one if found["type"] == "state" else Literal(one)

    found = _NODES(schema.parse(text), "nodes")
    nodes: list[Node] = []
    for entry in found["nodes"]:
        if any(at >= len(nodes) for at in entry["inputs"]):
            raise ValueError("a node comes before its inputs")
        attrs = {
            name: plain.read(value, f"{entry['op']} {name}", inner)
            for name, value in entry["attrs"].items()
        }
        with origin(entry["origin"]):
            nodes.append(apply(entry["op"], [nodes[at] for at in entry["inputs"]], **attrs))
    if any(at >= len(nodes) for at in found["roots"]):
        raise ValueError("a root is no node")
    return [nodes[at] for at in found["roots"]]


def restored_node(text: str, states: Sequence[State], constants: Sequence[Array]) -> Node:
    """The only root."""
    (node,) = restored(text, states, constants)
    return node


def copied(root: Node, memo: dict[int, Any]) -> Node:
    """The node, reading copies of the states that it reads; `memo` is that of `copy.deepcopy`."""
    for node in ordered([root]):
        if id(node) in memo:
            continue
        sources = [memo[id(source)] for source in node.inputs]
        attrs = dict(node.attrs)
        if node.op == "state":
            attrs["state"] = copy.deepcopy(attrs["state"], memo)
        same = node.op != "state" and all(
            new is old for new, old in zip(sources, node.inputs, strict=True)
        )
        with origin(node.origin):
            memo[id(node)] = node if same else apply(node.op, sources, **attrs)
    found: Node = memo[id(root)]
    return found
