"""What a step computes, and the two things that can be done with it: check it and run it.

A training step (forward, backward, optimizer, running statistics) is one `Graph`: outputs that are
reported and updates that write new values into states. An `Executor` turns it into a `Program`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pellucid.check import brief
from pellucid.graph.node import Node, State, ordered
from pellucid.graph.once import once
from pellucid.graph.op import TABLE, Array, TensorType
from pellucid.graph.saved import restored, saved


@dataclass(frozen=True)
class Graph:
    """Outputs by name, and for each state the node whose value it takes when the step ends.

    All updates see the states as they were when the step began.
    """

    outputs: Mapping[str, Node]
    updates: Mapping[State, Node] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (tuple(self.outputs), tuple(self.updates), *saved(self.roots))

    @property
    def roots(self) -> list[Node]:
        """Every node that must be computed."""
        return [*self.outputs.values(), *self.updates.values()]

    @once
    def nodes(self) -> tuple[Node, ...]:
        """Every node, each after its inputs."""
        return tuple(ordered(self.roots))

    @once
    def inputs(self) -> dict[str, TensorType]:
        """What each step must be fed, by name."""
        return {node.attrs["name"]: node.type for node in self.nodes if node.op == "input"}

    @property
    def states(self) -> list[State]:
        """Every state that is read or written, in order of first appearance."""
        read = [node.attrs["state"] for node in self.nodes if node.op == "state"]
        return list(dict.fromkeys([*read, *self.updates]))


def _restored(names: tuple[str, ...], states: tuple[State, ...], *content: Any) -> Graph:
    nodes = restored(*content)
    outputs = dict(zip(names, nodes[: len(names)], strict=True))
    return Graph(outputs, dict(zip(states, nodes[len(names) :], strict=True)))


class Program(Protocol):
    """A graph made ready to run."""

    graph: Graph

    def run(self, steps: int = 1, feeds: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """Run `steps` steps; feeds and results have a leading axis of that length."""
        ...


class Executor(Protocol):
    """A way to run graphs."""

    def build(self, graph: Graph, runs: int = 1) -> Program:
        """Make the graph ready to run; runs: roughly how many times it will."""
        ...


def verify(graph: Graph) -> None:
    """Check that every node has the type its op gives it and every update fits its state.

    Raises TypeError naming the first node that does not.
    """
    if not isinstance(graph, Graph):
        raise TypeError(f"verify takes a Graph, got {brief(graph)}")
    names: dict[str, TensorType] = {}
    for node in graph.nodes:
        if node.op not in TABLE:
            raise TypeError(f"{node!r}: there is no op {node.op!r}")
        try:
            expected = TABLE[node.op].infer(*(source.type for source in node.inputs), **node.attrs)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{node!r} is not a legal application: {error}") from error
        if node.type != expected:
            raise TypeError(f"{node!r} should be of type {expected}")
        if node.op == "input" and names.setdefault(node.attrs["name"], node.type) != node.type:
            raise TypeError(f"input {node.attrs['name']!r} has two types")
    for state, node in graph.updates.items():
        held = TensorType(state.value.shape, state.value.dtype)
        if node.type != held:
            raise TypeError(f"state {state.name!r} holds {held}, its update is {node.type}")
