"""Random networks, compiled and by NumPy: `python -m benchmarks.stacks --stacks 500 [--first N]`.

Stacks of all layers with a random loss: output, loss, every gradient, and the states after two steps,
in float64 and float32, on 1, 2 and 3 threads, whose results are the same bits. Those that differ by
more than rounding explains, or that fail to compile, are named by their seed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence

from pellucid.compile.program import NativeProgram
from tests.compile.closeness import Results, difference, reference, run
from tests.nn.random_stacks import Step, random_step

_STEPS = 2
_REPORT_EVERY = 50
TOLERANCES = {"float64": 1e-10, "float32": 1e-4}
"""Of the largest element of a result; what strays farther is compared with what rounding can do."""


def failure_of(seed: int, dtype: str) -> str:
    """What is wrong with one random stack, empty if nothing is."""
    try:
        step = random_step(seed, dtype)
        return trouble(step, dtype)
    except Exception as error:  # whatever it is, it is what the hunt is for
        notes = "; ".join(getattr(error, "__notes__", ()))
        return f"{type(error).__name__}: {error} {notes}"


def trouble(step: Step, dtype: str) -> str:
    """How the compiled step differs from the reference, or from itself on more threads."""
    feeds = step.feeds(_STEPS)
    outputs = [
        run(NativeProgram(step.graph, threads), step.graph, feeds, _STEPS) for threads in (1, 2, 3)
    ]
    for threads, other in zip((2, 3), outputs[1:], strict=True):
        unlike = [name for name in other if other[name].tobytes() != outputs[0][name].tobytes()]
        if unlike:
            return f"{unlike[0]} on {threads} threads has other bits than on 1"
    wanted = reference(step.graph, feeds, _STEPS)
    if all(_near(outputs[0], wanted, name, TOLERANCES[dtype]) for name in wanted):
        return ""
    return difference(step.graph, feeds, _STEPS)


def _near(outputs: Results, wanted: Results, name: str, tolerance: float) -> bool:
    one, other = outputs[name], wanted[name]
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool((abs(one - other) <= tolerance * abs(other).max(initial=0.0)).all())


def hunt(seeds: Sequence[int], dtypes: Sequence[str] = ("float64", "float32")) -> list[str]:
    """Compare the stacks of these seeds, and print those that differ."""
    failures = []
    start = time.perf_counter()
    for number, seed in enumerate(seeds, 1):
        for dtype in dtypes:
            what = failure_of(seed, dtype)
            if what:
                failures.append(f"seed {seed}, {dtype}: {what}")
                print(failures[-1], flush=True)
        if not number % _REPORT_EVERY:
            seconds = time.perf_counter() - start
            print(f"{number} stacks, {len(failures)} failed, {seconds:.0f} s", flush=True)
    return failures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the hunt; 1 if a network differed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stacks", description=__doc__)
    parser.add_argument("--stacks", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PELLUCID_CACHE"] = folder
        failures = hunt(range(chosen.first, chosen.first + chosen.stacks))
    print(f"{chosen.stacks} stacks from seed {chosen.first}: {len(failures)} failed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
