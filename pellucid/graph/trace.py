"""`trace`: the ordered nodes of a computation with v_i and ∂L/∂v_i, as a table to read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.graph.execute import evaluate
from pellucid.graph.gradient import backward, partials
from pellucid.graph.node import Node, ordered
from pellucid.graph.op import TABLE, Array
from pellucid.graph.tensor import Tensor


@dataclass(frozen=True)
class TraceRow:
    """One node v_i.

    expression: how it is computed from earlier nodes.
    value:      v_i.
    gradient:   ∂L/∂v_i, None where L is constant in v_i.
    partials:   for an elementwise node, {j: ∂v_i/∂v_j} element by element, for its inputs v_j.
    """

    index: int
    node: Node
    expression: str
    value: Array
    gradient: Array | None
    partials: dict[int, Array]


@dataclass(frozen=True)
class Trace:
    """The rows of a computation in order; prints as a table."""

    rows: tuple[TraceRow, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> TraceRow:
        return self.rows[index]

    def __str__(self) -> str:
        head = ("node", "computed as", "value", "∂L/∂v", "local derivatives")
        body = [
            (
                f"v{_subscript(row.index)}",
                row.expression,
                _short(row.value),
                "" if row.gradient is None else _short(row.gradient),
                ", ".join(
                    f"∂v{_subscript(row.index)}/∂v{_subscript(j)} = {_short(d)}"
                    for j, d in row.partials.items()
                ),
            )
            for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in [head, *body]
        ]
        return "\n".join([lines[0], "─" * max(map(len, lines)), *lines[1:]])

    __repr__ = __str__


def trace(loss: Tensor) -> Trace:
    """Every node that `loss` is computed from, in order, with its value and ∂L/∂v_i.

    loss: a float scalar. Constants that are one number appear inside expressions, not as nodes.
    """
    nodes = [node for node in ordered([loss.node]) if not _is_number(node)]
    found = backward(loss.node, nodes)
    names = {node: f"v{_subscript(i)}" for i, node in enumerate(nodes)}
    place = {node: i for i, node in enumerate(nodes)}
    local = [_local(node, place) for node in nodes]
    wanted = [
        *nodes,
        *(found[node] for node in nodes if node in found),
        *(partial for row in local for partial in row.values()),
    ]
    values = dict(zip(wanted, evaluate(wanted), strict=True))
    return Trace(
        tuple(
            TraceRow(
                index=i,
                node=node,
                expression=expression(node, names),
                value=values[node],
                gradient=values[found[node]] if node in found else None,
                partials={j: values[partial] for j, partial in local[i].items()},
            )
            for i, node in enumerate(nodes)
        )
    )


def expression(node: Node, names: dict[Node, str]) -> str:
    """How `node` is computed, with its inputs under the given names."""
    parts = [names[s] if s in names else _number(s) for s in node.inputs]
    return TABLE[node.op].form.format(*parts, **node.attrs)


def _local(node: Node, place: dict[Node, int]) -> dict[int, Node]:
    if TABLE[node.op].kind != "elementwise":
        return {}
    pairs = zip(node.inputs, partials(node), strict=True)
    return {place[s]: d for s, d in pairs if d is not None and s in place}


def _is_number(node: Node) -> bool:
    if node.op == "broadcast":
        return _is_number(node.inputs[0])
    return node.op == "constant" and node.size == 1


def _number(node: Node) -> str:
    source = node.inputs[0] if node.op == "broadcast" else node
    value: Array = source.attrs["value"].array if source.op == "constant" else evaluate([source])[0]
    return f"{value.reshape(()).item():g}"


def _short(value: Array) -> str:
    if value.size == 1:
        return f"{value.reshape(()).item():.6g}"
    text = np.array2string(value, precision=4, threshold=6, edgeitems=2, separator=", ")
    return " ".join(text.split())


def _subscript(index: int) -> str:
    return "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(index))
