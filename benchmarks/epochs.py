"""What an epoch of `fit` costs: `python -m benchmarks.epochs --before CHECKOUT`.

An epoch is all that `fit` does from one evaluation to the next: steps, measures of the validation rows,
the best weights. The networks are small or wide, so that what is around the steps shows. Both
trainings, each in a process of its own, go on in turns for some tenths of a second each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
FOREVER = 1_000_000
Array = NDArray[Any]


def autoencoder() -> dict[str, Any]:
    """784-256-32-256-784 on 6,000 rows, batch 100."""
    from pellucid import nn

    x = np.random.default_rng(0).random((6000, 784), np.float32)
    net = nn.Sequential(
        *(nn.Linear(256), nn.ReLU(), nn.Linear(32), nn.ReLU(), nn.Linear(256), nn.ReLU()),
        nn.Linear(784),
    )
    return {"net": net, "train": (x, x), "batch_size": 100}


def flowers() -> dict[str, Any]:
    """4-16-3 on 150 rows."""
    return _classes(150, 4, [16], 3)


def table() -> dict[str, Any]:
    """20-64-64-2 on 1,000 rows."""
    return _classes(1000, 20, [64, 64], 2)


def values() -> dict[str, Any]:
    """8-32-1 on 10,000 rows, of values."""
    from pellucid import nn

    x = np.random.default_rng(0).standard_normal((10_000, 8), np.float32)
    return {"net": nn.MLP([32], 1), "train": (x, x.sum(1)), "batch_size": 200}


def _classes(rows: int, columns: int, hidden: list[int], classes: int) -> dict[str, Any]:
    from pellucid import nn

    random = np.random.default_rng(0)
    x = random.standard_normal((rows, columns), np.float32)
    return {"net": nn.MLP(hidden, classes), "train": (x, random.integers(0, classes, rows))}


WORKLOADS: dict[str, Callable[[], dict[str, Any]]] = {
    made.__name__: made for made in (autoencoder, flowers, table, values)
}


def main() -> None:
    """Time what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--before", type=Path, help="a checkout of an earlier commit")
    parser.add_argument("--workload", nargs="*", choices=list(WORKLOADS), default=[])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.3, help="of a turn")
    parser.add_argument("--worker", choices=list(WORKLOADS), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.worker:
        train(chosen.worker)
        return
    for name in chosen.workload or WORKLOADS:
        checkouts = [ROOT, *([chosen.before] if chosen.before else [])]
        times = in_turns([Training(name, path) for path in checkouts], chosen)
        own = median(times[0])
        line = f"{name:12} {WORKLOADS[name].__doc__:45} {own * 1e3:9.2f} ms an epoch"
        if chosen.before:
            ratio = median(b / a for a, b in zip(*times, strict=True))
            line += f", before {median(times[1]) * 1e3:9.2f} ms: {ratio:.2f} times as fast"
        print(line, flush=True)


def in_turns(runs: list[Training], chosen: argparse.Namespace) -> list[list[float]]:
    """Seconds of an epoch in every turn, by run; what is compiled first is not counted."""
    for run in runs:
        run.turn(1)
    epochs = [max(int(chosen.seconds / run.turn(2)), 1) for run in runs]
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(chosen.rounds):
        for own, run, count in zip(times, runs, epochs, strict=True):
            own.append(run.turn(count))
    for run in runs:
        run.end()
    return times


class Training:
    """A training by Pellucid of one checkout in a process of its own."""

    def __init__(self, workload: str, checkout: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), "--worker", workload],
            env={**os.environ, "PYTHONPATH": str(checkout.resolve())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def turn(self, epochs: int) -> float:
        """Train so many epochs; returns the seconds of one."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{epochs}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a training ended without an answer; its message is above")
        return float(json.loads(line)) / epochs

    def end(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait()


def train(workload: str) -> None:
    """Train, so many epochs for each line that is read; writes the seconds that they took."""
    import pellucid

    left, began = int(sys.stdin.readline()) + 1, time.perf_counter()

    def between(event: object) -> None:
        nonlocal left, began
        left -= type(event).__name__ == "Evaluated"
        if left == 0:
            print(json.dumps(time.perf_counter() - began), flush=True)
            left = int(sys.stdin.readline())
            began = time.perf_counter()

    pellucid.fit(
        **WORKLOADS[workload](), epochs=FOREVER, patience=0, progress=False, callbacks=[between]
    )


if __name__ == "__main__":
    main()
