"""From a graph that fails to a small one that still does, and to a test that says so.

small = shrink(graph, fails)      # fails: graph -> bool; may raise, which counts as failing
print(as_test(small))             # Python that builds it with the public functions
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from pellucid import graph as g
from pellucid.graph import Array, Graph, Node, State
from pellucid.graph.execute import compute
from tests.graph.random_graphs import random_feeds

Fails = Callable[[Graph], bool]


def rebuild(graph: Graph, swaps: Mapping[Node, Node] | None = None) -> Graph:
    """The same graph over copies of its states, with some nodes swapped for others.

    Swapped-in nodes are of the type of what they replace; they are rebuilt as well.
    """
    swaps = swaps or {}
    states: dict[State, State] = {}

    def fresh(state: State) -> State:
        return states.setdefault(state, State(state.value, state.name))

    made: dict[Node, Node] = {}
    roots = [swaps.get(root, root) for root in graph.roots]
    stack = list(roots)
    while stack:
        node = stack[-1]
        sources = [swaps.get(source, source) for source in node.inputs]
        waiting = [source for source in sources if source not in made]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        attrs = dict(node.attrs)
        if node.op == "state":
            attrs["state"] = fresh(attrs["state"])
        made[node] = g.apply(node.op, [made[source] for source in sources], **attrs)
    nodes = [made[root] for root in roots]
    outputs = dict(zip(graph.outputs, nodes[: len(graph.outputs)], strict=True))
    updated = nodes[len(graph.outputs) :]
    updates = {fresh(s): node for s, node in zip(graph.updates, updated, strict=True)}
    return Graph(outputs, updates)


def shrink(graph: Graph, fails: Fails, rounds: int = 20) -> Graph:
    """A graph that still fails and from which no single step of `_smaller` can be taken."""
    if not _failing(graph, fails):
        raise ValueError("the graph that was given does not fail")
    for _ in range(rounds):
        found = next((small for small in _smaller(graph) if _failing(small, fails)), None)
        if found is None:
            return graph
        graph = found
    return graph


def _failing(graph: Graph, fails: Fails) -> bool:
    try:
        return fails(rebuild(graph))
    except Exception:  # a crash is what the hunt is for, whatever its type
        return True


def _smaller(graph: Graph) -> Iterator[Graph]:
    """Smaller graphs, the boldest steps first."""
    if len(graph.roots) > 1:
        for name, node in graph.outputs.items():
            yield Graph({name: node})
        for state, node in graph.updates.items():
            yield Graph({}, {state: node})
        for dropped in graph.outputs:
            rest = {name: node for name, node in graph.outputs.items() if name != dropped}
            yield Graph(rest, graph.updates)
    nodes = graph.nodes
    if len(graph.roots) == 1:
        yield from (Graph({"y": node}) for node in nodes if node not in graph.roots)
        yield from (Graph({"y": node}) for node in graph.updates.values())
    values = _values(graph)
    for node in reversed(nodes):
        if node.inputs and node not in graph.roots:
            yield rebuild(graph, {node: g.apply("state", state=State(values[node], "w"))})
    for node in nodes:
        for source in node.inputs:
            if source.type == node.type:
                yield rebuild(graph, {node: source})
    for node in nodes:
        if not node.inputs and node.op in ("input", "state", "constant"):
            yield from _plainer(graph, node, values[node])


def _plainer(graph: Graph, node: Node, value: Array) -> Iterator[Graph]:
    """Leaves with values that are easier to read."""
    plain = [np.zeros_like(value), np.ones_like(value), np.round(value.astype(float), 1)]
    for candidate in (p.astype(value.dtype) for p in plain):
        if node.op == "input" or candidate.tobytes() != value.tobytes():
            leaf = g.apply("state", state=State(candidate, "w"))
            if node.op != "state" or not _is_plain(value):
                yield rebuild(graph, {node: leaf})


def _is_plain(value: Array) -> bool:
    return bool((value == 0).all() or (value == 1).all())


def _values(graph: Graph) -> dict[Node, Array]:
    feeds = {name: array[0] for name, array in random_feeds(graph, 0).items()}
    return {node: np.array(value) for node, value in compute(graph.nodes, feeds).items()}


def as_test(graph: Graph, check: str = "check(graph, feeds)", name: str = "found") -> str:
    """A Python test that builds `graph` by the public functions and hands it to `check`."""
    lines = ["import numpy as np", "from numpy import inf, nan", ""]
    lines += ["from pellucid import graph as g", "", "", f"def test_{name}() -> None:"]
    states = {state: f"s{i}" for i, state in enumerate(graph.states)}
    body = [f"{at} = g.State({_array(s.value)}, {s.name!r})" for s, at in states.items()]
    names: dict[Node, str] = {}
    for i, node in enumerate(graph.nodes):
        names[node] = f"v{i}"
        sources = "[" + ", ".join(names[source] for source in node.inputs) + "], "
        attrs = [f"{key}={_attribute(value, states)}" for key, value in node.attrs.items()]
        arguments = (sources if node.inputs else "") + ", ".join(attrs)
        body.append(f"v{i} = g.apply({node.op!r}, {arguments.rstrip(', ')})  # {node.type}")
    outputs = ", ".join(f"{key!r}: {names[node]}" for key, node in graph.outputs.items())
    updates = ", ".join(f"{states[s]}: {names[node]}" for s, node in graph.updates.items())
    body.append(f"graph = g.Graph({{{outputs}}}, {{{updates}}})")
    feeds = random_feeds(graph, 0)
    body.append("feeds = {" + ", ".join(f"{k!r}: {_array(v)}" for k, v in feeds.items()) + "}")
    return "\n".join([*lines, *("    " + line for line in [*body, check])]) + "\n"


def _array(value: Array) -> str:
    if value.size > 8 and len({each.tobytes() for each in value.reshape(-1)}) == 1:
        return f"np.full({value.shape}, {value.reshape(-1)[0].item()!r}, {value.dtype.name!r})"
    flat = ", ".join(map(repr, value.reshape(-1).tolist()))
    shaped = f".reshape({value.shape})" if value.ndim != 1 else ""
    return f"np.array([{flat}], np.dtype({value.dtype.name!r})){shaped}"


def _attribute(value: Any, states: Mapping[State, str]) -> str:
    if isinstance(value, State):
        return states[value]
    if isinstance(value, g.Literal):
        return f"g.Literal({_array(value.array)})"
    if isinstance(value, np.dtype):
        return f"np.dtype({value.name!r})"
    return repr(value)
