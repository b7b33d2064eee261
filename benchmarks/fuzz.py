"""Random graphs, compiled and by NumPy: `python -m benchmarks.fuzz --graphs 10000 [--first N]`.

Every other graph is wild (NaN and infinities appear), and half of all are mostly gathers and movements
above them. Every verifier of the compiler is run on each. With --guarded each buffer lies between
inaccessible pages, and 1, 2 and 3 threads must give the same bits; the graphs then run in a process of
their own, so that an access outside a buffer ends that process and is reported like any failure.

A graph on which the two differ by more than rounding explains, or that fails to compile, is named by
its seed, shrunk, and printed as a test.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pellucid.graph import Graph
from tests.compile.closeness import difference, differs
from tests.compile.guard_pages import guarded
from tests.graph.random_graphs import Settings, random_feeds, random_graph
from tests.graph.shrink import as_test, shrink

_STEPS = 2
_REPORT_EVERY = 250
_ENDED = "the process was ended by"


@dataclass(frozen=True)
class Failure:
    """A graph that is computed wrongly: its seed, what is wrong, and a test that shows it."""

    seed: int
    what: str
    test: str


def failure_of(seed: int, settings: Settings) -> str:
    """What is wrong with one random graph, empty if nothing is."""
    graph = random_graph(seed, settings)
    return _trouble(graph, seed, _STEPS)


def _trouble(graph: Graph, seed: int, steps: int) -> str:
    try:
        return difference(graph, random_feeds(graph, seed, steps), steps)
    except Exception as error:  # whatever it is, it is what the hunt is for
        return f"{type(error).__name__}: {error}"


def found_between_pages(seed: int, settings: Settings) -> str:
    """As `failure_of`, with closed pages around every buffer, on 1, 2 and 3 threads."""
    graph = random_graph(seed, settings)
    feeds = random_feeds(graph, seed, _STEPS)
    try:
        first, *others = guarded(graph, feeds, _STEPS, at_end=bool(seed // 4 % 2))
        for threads, other in enumerate(others, 2):
            for name, value in first.items():
                if value.tobytes() != other[name].tobytes():
                    return f"{name} is not the same on 1 and {threads} threads"
        return differs(graph, feeds, _STEPS, first)
    except Exception as error:  # whatever it is, it is what the hunt is for
        return f"{type(error).__name__}: {error}"


def settings_of(seed: int, productions: int = Settings().productions) -> Settings:
    """What the graph of a seed may hold."""
    return Settings(productions=productions, wild=bool(seed % 2), moves=bool(seed // 2 % 2))


def hunt(seeds: Iterable[int], settings: Settings) -> list[Failure]:
    """Compare the graphs of these seeds, and shrink those that fail."""
    failures: list[Failure] = []
    for seed in seeds:
        what = failure_of(seed, settings)
        if what:
            failures.append(Failure(seed, what, smallest(seed, settings)))
    return failures


def smallest(seed: int, settings: Settings) -> str:
    """A test of the smallest graph that fails in one step as this one does, or of all of it."""
    graph = random_graph(seed, settings)

    def fails(small: Graph) -> bool:
        return bool(_trouble(small, 0, 1))

    small = shrink(graph, fails) if fails(graph) else graph
    return "from tests.compile.closeness import difference\n" + as_test(
        small, "assert not difference(graph, feeds)"
    )


def survivors(first: int, count: int, productions: int) -> Iterable[tuple[int, str]]:
    """Each seed, run in a process that is begun anew when one ends it, and what is wrong with it."""
    seed = first
    while seed < first + count:
        numbers = map(str, (first + count - seed, seed, productions))
        options = zip(("--graphs", "--first", "--productions"), numbers, strict=True)
        command = [sys.executable, "-m", "benchmarks.fuzz", "--worker"]
        command += [part for option in options for part in option]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            for line in worker.stdout:
                number, _, what = line.rstrip("\n").partition(" ")
                yield int(number), what
                seed = int(number) + 1
        if worker.returncode and seed < first + count:
            yield seed, f"{_ENDED} {_name_of_signal(-worker.returncode)}"
            seed += 1


def _name_of_signal(number: int) -> str:
    return signal.Signals(number).name if number > 0 else f"its status {-number}"


def _work(chosen: argparse.Namespace) -> None:
    """In a process of its own: one line for each seed."""
    faulthandler.enable()
    for seed in range(chosen.first, chosen.first + chosen.graphs):
        what = found_between_pages(seed, settings_of(seed, chosen.productions))
        print(seed, what.replace("\n", " "), flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the hunt; 1 if a graph failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--graphs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--productions", type=int, default=Settings().productions)
    parser.add_argument("--guarded", action="store_true", help="closed pages around every buffer")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    os.environ["PELLUCID_VERIFY"] = "1"
    if chosen.worker:
        _work(chosen)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PELLUCID_CACHE"] = folder
        failed = _hunt(chosen)
    print(f"{chosen.graphs} graphs from seed {chosen.first}: {failed} failed")
    return bool(failed)


def _hunt(chosen: argparse.Namespace) -> int:
    seeds = range(chosen.first, chosen.first + chosen.graphs)
    failed, start = 0, time.perf_counter()
    results: Iterable[tuple[int, str]] = (
        survivors(chosen.first, chosen.graphs, chosen.productions)
        if chosen.guarded
        else ((seed, failure_of(seed, settings_of(seed, chosen.productions))) for seed in seeds)
    )
    for number, (seed, what) in enumerate(results, 1):
        if what:
            failed += 1
            print(f"\nseed {seed}: {what}", flush=True)
            if not what.startswith(_ENDED):
                print(smallest(seed, settings_of(seed, chosen.productions)), flush=True)
        if not number % _REPORT_EVERY:
            seconds = time.perf_counter() - start
            print(f"{number} graphs, {failed} failed, {seconds:.0f} s", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
