"""`trace`: the ordered nodes of a computation with v_i and ∂L/∂v_i, as a table to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.graph.dtype import is_float
from pellucid.graph.execute import evaluate
from pellucid.graph.gradient import backward, partials
from pellucid.graph.node import Literal, Node, State, ordered
from pellucid.graph.op import TABLE, Array
from pellucid.graph.tensor import Tensor, tensor

_WIDTH = 44  # characters of one array in the table


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

    def __iter__(self) -> Iterator[TraceRow]:
        return iter(self.rows)

    def __str__(self) -> str:
        head = ("node", "computed as", "value", "∂L/∂v", "local derivatives")
        body = [_cells(row) for row in self.rows]
        body[-1] = (body[-1][0] + " = L", *body[-1][1:])
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
    loss = tensor(loss)
    if loss.shape != () or not is_float(loss.dtype):
        raise ValueError(f"trace follows a float scalar, got {loss.node.type}; reduce it first")
    nodes = [node for node in ordered([loss.node]) if node is loss.node or not _is_number(node)]
    gradients = backward(loss.node, nodes)
    names = {node: f"v{_subscript(i)}" for i, node in enumerate(nodes)}
    index_of = {node: i for i, node in enumerate(nodes)}
    local = [_local(node, index_of) for node in nodes]
    wanted = [
        *nodes,
        *(gradients[node] for node in nodes if node in gradients),
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
                gradient=values[gradients[node]] if node in gradients else None,
                partials={j: values[partial] for j, partial in local[i].items()},
            )
            for i, node in enumerate(nodes)
        )
    )


def expression(node: Node, names: dict[Node, str]) -> str:
    """How `node` is computed, with its inputs under these names."""
    parts = [names[s] if s in names else _number(s) for s in node.inputs]
    attributes = {name: _attribute(value) for name, value in node.attrs.items()}
    if node.op == "slice":
        windows = zip(*(node.attrs[name] for name in ("start", "stop", "step")), strict=True)
        attributes["window"] = ", ".join(
            f"{a}:{b}" if c == 1 else f"{a}:{b}:{c}" for a, b, c in windows
        )
    return TABLE[node.op].form.format(*parts, inputs=", ".join(parts), **attributes)


def _attribute(value: Any) -> str:
    if isinstance(value, State):
        return value.name or "(unnamed state)"
    if isinstance(value, Literal):
        return short(value.array)
    if isinstance(value, tuple) and len(value) == 1:
        return str(value[0])
    return str(value)


def _local(node: Node, index_of: dict[Node, int]) -> dict[int, Node]:
    """∂node/∂input by the index of the input; an input that is used twice has the sum."""
    totals: dict[int, Tensor] = {}
    if TABLE[node.op].kind != "elementwise":
        return {}
    for source, partial in zip(node.inputs, partials(node), strict=True):
        if partial is not None and source in index_of:
            index, share = index_of[source], Tensor(partial)
            totals[index] = totals[index] + share if index in totals else share
    return {index: total.node for index, total in totals.items()}


def _is_number(node: Node) -> bool:
    if node.op == "broadcast":
        return _is_number(node.inputs[0])
    return node.op == "constant" and node.size == 1


def _number(node: Node) -> str:
    while node.op == "broadcast":
        node = node.inputs[0]
    return short(node.attrs["value"].array)


def _cells(row: TraceRow) -> tuple[str, str, str, str, str]:
    name = f"v{_subscript(row.index)}"
    local = (f"∂{name}/∂v{_subscript(j)} = {_partial(d)}" for j, d in row.partials.items())
    gradient = "" if row.gradient is None else short(row.gradient)
    return name, row.expression, short(row.value), gradient, ", ".join(local)


def _partial(value: Array) -> str:
    """A local derivative whose elements are equal is one number."""
    same = value.size > 0 and bool((value == value.reshape(-1)[0]).all())
    return short(value.reshape(-1)[:1] if same else value)


def short(value: Array) -> str:
    """A value in a few words: the numbers if they are few, else the shape and the range."""
    if value.dtype.kind == "f":
        value = value + value.dtype.type(0)  # no −0 to puzzle over
    if value.size == 1:
        number = value.reshape(()).item()
        return f"{number:.6g}" if isinstance(number, float) else str(number)
    as_text: Any = {"float_kind": lambda number: f"{number:.4g}"}
    text = np.array2string(value, separator=", ", threshold=9, formatter=as_text)
    text = " ".join(text.split()).replace("[ ", "[")
    if value.size and "..." not in text and len(text) <= _WIDTH:
        return text
    return f"{'×'.join(map(str, value.shape))}, {_range(value)}"


def _range(value: Array) -> str:
    if value.dtype.kind == "b":
        return f"{int(value.sum())} true"
    if not value.size:
        return "empty"
    if not np.isfinite(value).all():
        return f"{int((~np.isfinite(value)).sum())} not finite"
    return f"from {value.min():.4g} to {value.max():.4g}"


def _subscript(index: int) -> str:
    return "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(index))
