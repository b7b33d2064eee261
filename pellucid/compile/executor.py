"""Which executor runs a graph: compiled where compiling pays, else the reference."""

from __future__ import annotations

from pellucid.compile.plan.access import CONTRACTIONS, depth
from pellucid.graph.execute import Reference
from pellucid.graph.node import Node
from pellucid.graph.program import Graph, Program

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

    Compiling takes about as long as some hundred million operations of the reference.
    """

    def build(self, graph: Graph, runs: int = 1) -> Program:
        """Make the graph ready to run."""
        worth = WORTH_ONCE if runs == 1 else WORTH_REPEATED
        calls = CALL * len(graph.nodes) if runs >= OFTEN else 0
        chosen = Native() if work(graph) + calls >= worth else Reference()
        return chosen.build(graph, runs)


def work(graph: Graph) -> int:
    """Roughly how many operations one run of a graph takes."""
    return sum(_work(node) for node in graph.nodes)


def _work(node: Node) -> int:
    if node.op in CONTRACTIONS:
        return 2 * node.size * depth(node)
    return 0 if node.op in ("state", "input", "constant") else node.size
