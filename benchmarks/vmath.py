"""Elementary functions: error and time an element beside NumPy: `python -m benchmarks.vmath`.

Errors are in units of the last place: float32 over every `--step`-th of all 2³² bit patterns (1: all of
them), float64 over the arguments of the tests. Times are the best of several runs on one thread, of
arguments in cache.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from pellucid import graph as g
from pellucid.compile.program import NativeProgram
from pellucid.graph import Array, Graph
from tests.compile.vmath.test_accuracy import ONE, arguments
from tests.compile.vmath.ulp import NUMPY, errors32, errors64, every

_ELEMENTS = 16_384
_CHUNKS = 64
_RUNS = 30


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; exit code 1 if an error is larger than is promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, default=1021, help="of bit patterns (1021)")
    chosen = parser.parse_args(argv)
    print(f"{'':8} {'float32':>28} {'float64':>28}")
    head = f"{'ulp':>8} {'ns':>9} {'NumPy ns':>9}"
    print(f"{'':8} {head} {head}")
    kept = True
    for name in ONE:
        single, double = worst32(name, chosen.step), worst64(name)
        kept &= single <= 2 and double <= 4
        times = [nanoseconds(name, dtype) for dtype in (np.float32, np.float64)]
        cells = [
            f"{error:8.3f} {own:9.3f} {numpy:9.3f}"
            for error, (own, numpy) in zip((single, double), times, strict=True)
        ]
        print(f"{name:8} {' '.join(cells)}", flush=True)
    return 0 if kept else 1


def worst32(name: str, step: int) -> float:
    """The largest error over every `step`-th float32."""
    chunk = step * _CHUNKS
    return max(float(errors32(name, every(chunk, first)).max()) for first in range(0, chunk, step))


def worst64(name: str) -> float:
    """The largest error over the arguments of the tests."""
    x = arguments(name)
    return float(errors64(name, x[np.isfinite(x)]).max())


def nanoseconds(name: str, dtype: type[np.floating]) -> tuple[float, float]:
    """The time an element, compiled and by NumPy."""
    x = np.random.default_rng(0).uniform(0.1, 5.0, _ELEMENTS).astype(dtype)
    steps = 16
    program = NativeProgram(Graph({"y": g.apply(name, [g.variable(x, "x").node])}), 1)
    own = best(lambda: program.run(steps)) / (steps * x.size)
    return own * 1e9, best(lambda: NUMPY[name](x)) / x.size * 1e9


def best(work: Callable[[], Array | dict[str, Array]]) -> float:
    """The least time of several runs, in seconds."""
    seconds = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


if __name__ == "__main__":
    sys.exit(main())
