"""Finding the node that first went wrong."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pellucid.graph import Array, Node, ordered
from pellucid.graph.execute import compute
from pellucid.train.step import Step


def first_bad_node(step: Step, feeds: Mapping[str, Array]) -> str:
    """In words, the first node of a step that is NaN or infinite, and the layer that it is in."""
    nodes = step.graph.nodes
    values = compute(nodes, feeds)
    for node in nodes:
        value = values[node]
        if value.dtype.kind != "f" or np.isfinite(value).all():
            continue
        bad = int(np.size(value) - np.isfinite(value).sum())
        what = "NaN" if np.isnan(value).any() else "infinite"
        where = _layer(step, node)
        if node.op == "state":
            return f"{node.attrs['state'].name!r} holds {bad:,} values that are {what}"
        return f"{node.op} gave {bad:,} values that are {what} of {value.size:,}, in {where}"
    return "every value of that step is finite when it is computed again"


def _layer(step: Step, bad: Node) -> str:
    """The first layer whose output depends on the node; the loss or the backward pass if none."""
    for path, output in step.layers.items():
        if path and bad in set(ordered([output])):
            return f"layer {path!r}"
    if bad in set(ordered([step.graph.outputs["loss"]])):
        return "the loss"
    return "the backward pass or the update"
