"""Finding the node that first went wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from pellucid.graph import Array, Node, ordered
from pellucid.graph.execute import compute
from pellucid.train.steps.training_step import LOSS, TrainingStep

LABEL: Final = re.compile(r"(?P<kind>\w+) '(?P<path>.*)'")


def first_bad_node(step: TrainingStep, feeds: Mapping[str, Array]) -> str:
    """In words, the first node of a step that is NaN or infinite, and the layer that it is in.

    Only what the loss, or else an update, became NaN or infinite by counts: a mask of −∞ does not.
    """
    values = compute(step.graph.nodes, feeds)
    bad = {node for node, value in values.items() if not _is_finite(value)}
    guilty = _reached([step.graph.outputs[LOSS]], bad) or _reached(step.graph.roots, bad)
    for node in step.graph.nodes:
        if node not in guilty:
            continue
        value = values[node]
        count = int(np.size(value) - np.isfinite(value).sum())
        what = "NaN" if np.isnan(value).any() else "infinite"
        if node.op == "state":
            return f"{node.attrs['state'].name!r} holds {count:,} values that are {what}"
        where = _layer(step, node)
        return f"{node.op} gave {count:,} values that are {what} of {value.size:,}, in {where}"
    return "every value of that step is finite when it is computed again"


def _is_finite(value: Array) -> bool:
    return value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _reached(roots: Sequence[Node], bad: set[Node]) -> set[Node]:
    """The bad nodes from which a chain of bad nodes leads to a root, but for constants."""
    reached: set[Node] = set()
    pending = [root for root in roots if root in bad]
    while pending:
        node = pending.pop()
        if node not in reached and not _is_constant(node):
            reached.add(node)
            pending.extend(source for source in node.inputs if source in bad)
    return reached


def _is_constant(node: Node) -> bool:
    while node.op in ("broadcast", "cast", "reshape"):
        node = node.inputs[0]
    return node.op == "constant"


def _layer(step: TrainingStep, bad: Node) -> str:
    """The part of the network that made a node, by its origin; else the loss or what follows it."""
    if bad in set(ordered(list(step.layers.values()))):
        return _named(bad)
    if bad in set(ordered([step.graph.outputs[LOSS]])):
        return "the loss"
    if bad.origin.startswith("∂ "):
        return f"the backward pass of {bad.origin.removeprefix('∂ ')}"
    return "the backward pass or the update"


def _named(node: Node) -> str:
    """Where a node of the forward pass was made: a layer, the network's own forward, the batch."""
    layer = LABEL.fullmatch(node.origin)
    if layer is not None:
        return f"layer {layer['path']!r} ({layer['kind']})"
    if node.origin in ("", "batch"):
        return "the batch"
    return f"the network's own forward ({node.origin})"
