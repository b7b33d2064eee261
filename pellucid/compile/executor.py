"""The choice of executor: machine code where compiling pays, else the reference."""

from __future__ import annotations

from pellucid.compile.op_facts import contraction_depth, is_contraction, not_lowered
from pellucid.errors import warn
from pellucid.graph.execute import Reference
from pellucid.graph.node import Node
from pellucid.graph.program import Executor, Graph, Program

WORTH_ONCE = 200_000_000
WORTH_REPEATED = 20_000
"""Rough operations a run from which compiling pays for one run, and for several."""
OFTEN, CALL = 100, 1_000
"""From so many runs on a call of NumPy counts too, as so many operations."""


class Native:
    """The executor that compiles every graph."""

    def build(self, graph: Graph, runs: int = 1) -> Program:
        """Compile the graph."""
        from pellucid.compile.program import NativeProgram

        return NativeProgram(graph)


class Automatic:
    """Compiles what is large, or runs many times, and leaves the rest to the reference.

    So it does with a graph that holds an op without a lowering, and warns of it once.

    Compiling takes about as long as some hundred million operations of the reference.
    """

    def build(self, graph: Graph, runs: int = 1) -> Program:
        """Make the graph ready to run."""
        worth = WORTH_ONCE if runs == 1 else WORTH_REPEATED
        calls = CALL * len(graph.nodes) if runs >= OFTEN else 0
        chosen: Executor = Reference()
        if work(graph) + calls >= worth and _can_be_compiled(graph):
            chosen = Native()
        return chosen.build(graph, runs)


_named: set[str] = set()
"""Ops without a lowering of which this process has warned."""


def _can_be_compiled(graph: Graph) -> bool:
    """Whether every op has a lowering; the first time that one has none, a warning names it."""
    missing = not_lowered(graph.nodes)
    unnamed = [op for op in missing if op not in _named]
    if unnamed:
        _named.update(unnamed)
        warn(
            f"there is no lowering of {' and '.join(map(repr, unnamed))}, so all of the graph runs by "
            "NumPy, which is slower; pellucid.compile.declare_lowering declares one"
        )
    return not missing


def work(graph: Graph) -> int:
    """Roughly how many operations one run of a graph takes."""
    return sum(_work(node) for node in graph.nodes)


def _work(node: Node) -> int:
    if is_contraction(node):
        return 2 * node.size * contraction_depth(node)
    return 0 if node.op in ("state", "input", "constant") else node.size
