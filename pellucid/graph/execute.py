"""The reference executor: NumPy, node by node, in order; and the choice of executor.

The views for teaching show its values, and every native result is tested against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from pellucid.graph.node import Node
from pellucid.graph.op import TABLE, Array
from pellucid.graph.program import Executor, Graph, Program


def compute(
    nodes: Sequence[Node], feeds: Mapping[str, Array], known: Mapping[Node, Array] | None = None
) -> dict[Node, Array]:
    """The value of every node, in order; floating-point errors follow IEEE, silently.

    known: values that are not computed again.
    """
    values: dict[Node, Array] = dict(known or {})
    with np.errstate(all="ignore"):
        for node in nodes:
            if node.op == "input":
                values[node] = _fed(node, feeds)
            else:
                arrays = (values[source] for source in node.inputs)
                values[node] = np.asarray(TABLE[node.op].reference(*arrays, **node.attrs))
    return values


def _fed(node: Node, feeds: Mapping[str, Array]) -> Array:
    name = node.attrs["name"]
    if name not in feeds:
        raise ValueError(f"the graph depends on input {name!r}, which was not fed")
    array = np.asarray(feeds[name])
    if array.shape != node.shape or array.dtype != node.dtype:
        raise ValueError(
            f"input {name!r} takes {node.type}, got {array.dtype.name}{list(array.shape)}"
        )
    return array


class ReferenceProgram:
    """A graph that runs on NumPy."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._fixed = _fixed(graph.nodes)
        self._nodes = [node for node in graph.nodes if node not in self._fixed]
        self._known: dict[Node, Array] | None = None

    def run(self, steps: int = 1, feeds: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """Run `steps` steps; feeds and results have a leading axis of that length."""
        arrays = feeds or {}
        check_lengths(arrays, steps)
        results = {
            name: np.empty((steps, *node.shape), node.dtype)
            for name, node in self.graph.outputs.items()
        }
        if self._known is None:
            self._known = compute(list(self._fixed), {})
        for step in range(steps):
            fed = {name: array[step] for name, array in arrays.items()}
            values = compute(self._nodes, fed, self._known)
            for name, node in self.graph.outputs.items():
                results[name][step] = values[node]
            fresh = [np.array(values[node]) for node in self.graph.updates.values()]
            for state, value in zip(self.graph.updates, fresh, strict=True):
                state.value = value
        return results


def _fixed(nodes: Sequence[Node]) -> dict[Node, None]:
    """Constants, and views of them: what has the same value in every step and takes no memory."""
    fixed: dict[Node, None] = {}
    for node in nodes:
        moved = node.op in _VIEWS and all(source in fixed for source in node.inputs)
        if node.op == "constant" or moved:
            fixed[node] = None
    return fixed


_VIEWS = ("broadcast", "reshape", "transpose")


def check_lengths(feeds: Mapping[str, Array], steps: int) -> None:
    """Raise ValueError unless `steps` is at least 0 and every feed has a row for each step."""
    if steps < 0:
        raise ValueError(f"a program runs 0 steps or more, got {steps}")
    for name, array in feeds.items():
        if np.ndim(array) == 0 or len(array) != steps:
            raise ValueError(
                f"input {name!r} has shape {np.shape(array)}; its first axis holds one row for "
                f"each of the {steps} steps"
            )


class Reference:
    """The executor that defines what every other must compute."""

    def build(self, graph: Graph, runs: int = 1) -> Program:
        """Make the graph ready to run."""
        return ReferenceProgram(graph)


_executor: ContextVar[Executor | None] = ContextVar("executor", default=None)
_default: list[Executor] = [Reference()]


def executor() -> Executor:
    """The executor in force: that of the innermost `using`, else the process's default."""
    return _executor.get() or _default[0]


def set_default(chosen: Executor) -> None:
    """The executor of this process wherever no `using` block says otherwise."""
    _default[0] = chosen


@contextmanager
def using(chosen: Executor) -> Iterator[None]:
    """Run graphs with another executor inside a `with` block."""
    token = _executor.set(chosen)
    try:
        yield
    finally:
        _executor.reset(token)


def evaluate(nodes: Sequence[Node]) -> list[Array]:
    """The values of `nodes` now, each its own array; raises ValueError if one needs a feed."""
    graph = Graph({str(i): node for i, node in enumerate(nodes)})
    for name in graph.inputs:
        raise ValueError(f"the value depends on input {name!r}, which only a run can feed")
    results = executor().build(graph).run(1)
    return [results[str(i)][0] for i in range(len(nodes))]
