"""Two executors on one graph: how far apart rounding alone may bring them.

The reference is run several times more, each time with every value that is rounded made wrong by a
few units in the last place at random (Parker 1997, *Monte Carlo arithmetic*). How far the results
spread is what rounding can do to this graph; an executor that strays farther computes something
else. So float64 below float32 is allowed the error of float32, an ill-conditioned graph much, and a
graph that only moves elements nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import graph as g
from pellucid.compile.plan.verify import verify
from pellucid.compile.program import NativeProgram
from pellucid.graph import Array, Graph, Node
from pellucid.graph.execute import compute
from pellucid.graph.op import TABLE
from tests.graph.random_graphs import PURE

Feeds = Mapping[str, Array]
Results = dict[str, Array]

_UNITS = 4
_SPREADS = 4
_CONTRACTED = ("matmul", "convolve")
EXACT = PURE | {"windows", "argmax", "bernoulli"}
"""Ops whose result is not rounded, or rounded in one way only."""


def run(program: Any, graph: Graph, feeds: Feeds, steps: int) -> Results:
    """Outputs and final states of `steps` steps; the graph's states are as they were before."""
    before = [state.value.copy() for state in graph.states]
    actual = dict(program.run(steps, feeds))
    for number, (state, value) in enumerate(zip(graph.states, before, strict=True)):
        actual[f"state {number}"] = state.value.copy()
        state.value = value
    return actual


def native(graph: Graph, feeds: Feeds | None = None, steps: int = 1, **settings: Any) -> Results:
    """What the compiled graph gives; its plan is checked first."""
    program = NativeProgram(graph, **settings)
    verify(program.code.plan)
    return run(program, graph, feeds or {}, steps)


def reference(graph: Graph, feeds: Feeds | None = None, steps: int = 1) -> Results:
    """What NumPy gives."""
    return run(g.Reference().build(graph), graph, feeds or {}, steps)


@dataclass(frozen=True)
class Shaken:
    """The reference with rounding errors."""

    graph: Graph
    seed: int

    def run(self, steps: int, feeds: Feeds) -> Results:
        """As any program."""
        rng = np.random.default_rng(self.seed)
        outputs = {name: [] for name in self.graph.outputs}  # type: dict[str, list[Array]]
        for step in range(steps):
            values = _shaken(self.graph.nodes, {n: a[step] for n, a in feeds.items()}, rng)
            for name, node in self.graph.outputs.items():
                outputs[name].append(values[node])
            fresh = [np.array(values[node]) for node in self.graph.updates.values()]
            for state, value in zip(self.graph.updates, fresh, strict=True):
                state.value = value
        return {name: np.stack(actual) for name, actual in outputs.items()}


def _shaken(nodes: Sequence[Node], feeds: Feeds, rng: np.random.Generator) -> dict[Node, Array]:
    values: dict[Node, Array] = {}
    for node in nodes:
        if not node.inputs and node.op != "normal":
            values[node] = compute([node], feeds)[node]
            continue
        operands = [values[source] for source in node.inputs]
        with np.errstate(all="ignore"):
            value = np.asarray(TABLE[node.op].reference(*operands, **node.attrs))
            if node.dtype.kind == "f" and node.op not in EXACT:
                value = _wrong(node, value, operands, rng)
        values[node] = value
    return values


def _wrong(node: Node, value: Array, operands: list[Array], rng: np.random.Generator) -> Array:
    """The value off by some units of its last place; a sum by those of what it sums."""
    size = np.abs(value)
    if node.op == "sum" or node.op in _CONTRACTED or node.op == "scatter_add":
        sizes = [np.abs(array) if array.dtype.kind == "f" else array for array in operands]
        size = np.asarray(TABLE[node.op].reference(*sizes, **node.attrs))
    kind = np.finfo(node.dtype)
    most = _UNITS * np.maximum(size * kind.eps, kind.smallest_subnormal)
    if node.op == "sum":
        axes = node.attrs["axes"]
        exact = operands[0].astype(np.longdouble).sum(axes, keepdims=True)
        strays = np.abs(_one_by_one(operands[0], axes) - value), np.abs(exact - value)
        most = most + np.maximum(*strays).astype(node.dtype)
    off = rng.choice([-1.0, 1.0], value.shape) * rng.uniform(0.3, 1.0, value.shape)
    return np.where(np.isfinite(value), value + most * off, value).astype(node.dtype)


def _one_by_one(x: Array, axes: tuple[int, ...]) -> Array:
    """The sum in the plainest order, whose rounding errors pile up the most if terms are equal."""
    shape = [1 if axis in axes else n for axis, n in enumerate(x.shape)]
    if not x.size:
        return np.zeros(shape, x.dtype)
    rest = [axis for axis in range(x.ndim) if axis not in axes]
    rows = x.transpose(*rest, *axes).reshape(*(x.shape[axis] for axis in rest), -1)
    return np.asarray(np.cumsum(rows, -1, dtype=x.dtype)[..., -1].reshape(shape))


def difference(
    graph: Graph, feeds: Feeds | None = None, steps: int = 1, spreads: int = _SPREADS
) -> str:
    """Empty if the compiled graph gives what the reference does, else what differs and how."""
    return differs(graph, feeds or {}, steps, native(graph, feeds, steps), spreads)


def differs(
    graph: Graph, feeds: Feeds, steps: int, actual: Results, spreads: int = _SPREADS
) -> str:
    """Empty if these results are what the reference gives, else what differs and how."""
    wanted = reference(graph, feeds, steps)
    strange = _strange(wanted, actual, None)
    if not strange:
        return ""
    for count in (spreads, 16 * spreads):
        shaken = [run(Shaken(graph, seed), graph, feeds, steps) for seed in range(count)]
        strange = _strange(wanted, actual, shaken)
        if not strange:
            return ""
    return strange


def _strange(wanted: Results, actual: Results, shaken: list[Results] | None) -> str:
    for name, right in wanted.items():
        others = None if shaken is None else [each[name] for each in shaken]
        said = compare(name, actual[name], right, others)
        if said:
            return said
    return ""


def compare(name: str, actual: Array, right: Array, shaken: list[Array] | None) -> str:
    """What is wrong with `actual`, beside `right` and its values under random rounding errors."""
    if actual.shape != right.shape or actual.dtype != right.dtype:
        return f"{name}: {actual.dtype}{actual.shape} instead of {right.dtype}{right.shape}"
    if right.dtype.kind != "f" or not shaken:
        bad = ~((actual == right) | ((actual != actual) & (right != right)))
    else:
        bad = _beyond(actual, right, np.stack(shaken))
    if not bad.any():
        return ""
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    return (
        f"{name}{list(at)} of {right.dtype}{right.shape}: {actual[at]!r} instead of {right[at]!r}"
        f" ({int(bad.sum())} of {bad.size} elements)"
    )


def _beyond(actual: Array, right: Array, shaken: Array) -> Array:
    """Elements that stray farther than any rounding error takes them; loose ones may do as they like.

    An element is loose if rounding errors decide whether it is finite.
    """
    with np.errstate(all="ignore"):
        loose = (np.isfinite(shaken) != np.isfinite(right)).any(0)
        stray = np.abs(np.where(np.isfinite(right), shaken - right, 0)).max(0)
        stray = np.where(np.isfinite(stray), stray, 0)
        allowed = 2 * stray + stray.max(initial=0.0) / 4
        same = (actual == right) | ((actual != actual) & (right != right))
        near = np.abs(actual - right) <= allowed
    return np.asarray(~(same | near | loose))
