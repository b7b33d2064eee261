"""Random graphs, compiled and by NumPy: `python -m benchmarks.fuzz --graphs 10000 [--first N]`.

Every other graph is wild (NaN and infinities appear). A graph on which the two differ by more than
rounding explains, or that fails to compile, is named by its seed, shrunk, and printed as a test.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pellucid.graph import Graph
from tests.compile.closeness import difference
from tests.graph.random_graphs import Settings, random_feeds, random_graph
from tests.graph.shrink import as_test, shrink

_STEPS = 2
_REPORT_EVERY = 250


@dataclass(frozen=True)
class Failure:
    """A graph that is computed wrongly: its seed, what is wrong, and a test that shows it."""

    seed: int
    what: str
    test: str


def found_by(seed: int, settings: Settings) -> str:
    """What is wrong with one random graph, empty if nothing is."""
    graph = random_graph(seed, settings)
    return _trouble(graph, seed, _STEPS)


def _trouble(graph: Graph, seed: int, steps: int) -> str:
    try:
        return difference(graph, random_feeds(graph, seed, steps), steps)
    except Exception as error:  # whatever it is, it is what the hunt is for
        return f"{type(error).__name__}: {error}"


def hunt(seeds: Iterable[int], settings: Settings) -> list[Failure]:
    """Compare the graphs of these seeds, and shrink those that fail."""
    found: list[Failure] = []
    for seed in seeds:
        what = found_by(seed, settings)
        if what:
            found.append(Failure(seed, what, smallest(seed, settings)))
    return found


def smallest(seed: int, settings: Settings) -> str:
    """A test of the smallest graph found that fails in one step as this one does, or of all of it."""
    graph = random_graph(seed, settings)

    def fails(small: Graph) -> bool:
        return bool(_trouble(small, 0, 1))

    small = shrink(graph, fails) if fails(graph) else graph
    return "from tests.compile.closeness import difference\n" + as_test(
        small, "assert not difference(graph, feeds)"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the hunt; 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--graphs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--productions", type=int, default=Settings().productions)
    chosen = parser.parse_args(arguments)
    settings = Settings(productions=chosen.productions)
    failures: list[Failure] = []
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PELLUCID_CACHE"] = folder
        for number in range(chosen.graphs):
            seed = chosen.first + number
            for failure in hunt([seed], replace(settings, wild=bool(seed % 2))):
                failures.append(failure)
                print(f"\nseed {failure.seed}: {failure.what}\n{failure.test}", flush=True)
            if not (number + 1) % _REPORT_EVERY:
                seconds = time.perf_counter() - start
                print(f"{number + 1} graphs, {len(failures)} failed, {seconds:.0f} s", flush=True)
    print(f"{chosen.graphs} graphs from seed {chosen.first}: {len(failures)} failed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
