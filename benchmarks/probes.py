"""What watching a training costs: `python -m benchmarks.probes`.

Every workload of `benchmarks.step` that trains one network is trained by the engine of `fit`: without
probes, with the norms of all gradients and activations every 50 steps, and with these written to a file
as well. The three run in turns of some tenths of a second in one process, each for itself. Their times a
step are compared turn by turn, and medians printed. The bar is 2%. Where 50 steps take seconds, probes
run more often than that, and the difference is divided accordingly.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.step import aligned
from benchmarks.steps.own import network
from benchmarks.steps.workloads import RATE, WORKLOADS, Workload, data, weights
from pellucid import nn, optim
from pellucid.train.actions import Stop
from pellucid.train.events import Progressed, Started
from pellucid.train.loop.engine import Engine
from pellucid.train.loop.problem import Problem, Settings
from pellucid.train.probes import Norm, Probe
from pellucid.train.steps.supervised import Watching, supervised_problem

EVERY = 50
BAR = 0.02
PROBES: tuple[Probe, ...] = (Norm("gradients"), Norm("activations"))


def main() -> int:
    """Measure what is asked for; exit code 1 if the bar is missed anywhere."""
    chosen = arguments()
    rows: list[tuple[str, ...]] = [("", "µs a step", "watched", "and written", "how")]
    missed = False
    for name in chosen.workload or trained():
        plain, costs, how = measured(WORKLOADS[name], chosen.rounds, chosen.seconds)
        missed |= max(costs) > BAR
        rows.append((name, f"{plain * 1e6:,.1f}", *(f"{100 * cost:+.2f}%" for cost in costs), how))
        print("\n".join(aligned([rows[0], rows[-1]])), flush=True)
    print()
    print("\n".join(aligned(rows)))
    return int(missed)


def trained() -> list[str]:
    """The workloads that `fit` can train."""
    return [name for name, work in WORKLOADS.items() if not (work.predicts or work.against)]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workload", nargs="*", choices=trained(), default=[])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.3, help="of a turn")
    return parser.parse_args()


def measured(work: Workload, rounds: int, seconds: float) -> tuple[float, list[float], str]:
    """Seconds of a plain step, and the shares by which watching and writing make it longer."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Training(work, (), EVERY)
        plain.turn(1)
        step = min(plain.turn(2) for _ in range(3))
        every = min(max(round(seconds / step), 2), EVERY)
        steps = max(round(seconds / step / every), 1) * every
        runs = [
            plain,
            Training(work, PROBES, every),
            Training(work, PROBES, every, Path(folder)),
        ]
        times = in_turns(runs, steps, rounds)
    costs = [
        median(other / own - 1.0 for other, own in zip(each, times[0], strict=True)) * every / EVERY
        for each in times[1:]
    ]
    how = f"{rounds} turns of {steps:,} steps"
    return median(times[0]), costs, how if every == EVERY else f"{how}, probes every {every}"


def problem(work: Workload, probes: tuple[Probe, ...], every: int) -> tuple[Problem, Settings]:
    """A workload as `fit` would train it, without end."""
    x, y = data(work)
    # An epoch is as long as a timed run of `benchmarks.step`.
    times = -(-work.steps * work.batch // len(x))
    x, y = np.concatenate([x] * times), np.concatenate([y] * times)
    net = network(work.layers).build(x[:1])
    held = [parameter.state for _, parameter in net.named_parameters()]
    for state, value in zip(held, weights(work), strict=True):
        state.value = value
    forever = 1_000_000
    settings = Settings(work.batch, forever, patience=0, evaluate_every=forever)
    watching = Watching(probes=probes, probe_every=every)
    adam = optim.Adam(learning_rate=RATE)
    return supervised_problem(
        net, nn.CrossEntropy(), adam, (x, y), None, None, settings, watching=watching
    ), settings


class Training:
    """A training in a thread of its own that goes on only when it has its turn."""

    def __init__(
        self, work: Workload, probes: tuple[Probe, ...], every: int, folder: Path | None = None
    ) -> None:
        made, settings = problem(work, probes, every)
        checkpoint = None if folder is None else folder / "checkpoint.safetensors"
        self._engine = Engine(made, settings, (), [self._between], checkpoint)
        self._go, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._steps = self._until = 0
        self._ends = False
        self._began = self._seconds = 0.0
        self._thread = threading.Thread(target=self._engine.run, daemon=True)
        self._thread.start()

    def turn(self, steps: int) -> float:
        """Make so many steps at least; returns the seconds a step."""
        before = self._steps
        self._until = before + steps
        self._go.release()
        self._done.acquire()
        return self._seconds / (self._steps - before)

    def end(self) -> None:
        """End the training and wait for it."""
        self._ends = True
        self._go.release()
        self._thread.join()

    def _between(self, event: Any) -> Stop | None:
        if isinstance(event, Started):
            self._go.acquire()
            self._began = time.perf_counter()
        elif isinstance(event, Progressed):
            self._steps = event.step
            if self._steps >= self._until:
                self._seconds = time.perf_counter() - self._began
                self._done.release()
                self._go.acquire()
                self._began = time.perf_counter()
            return Stop("it was timed") if self._ends else None
        return None


def in_turns(runs: list[Training], steps: int, rounds: int) -> list[list[float]]:
    """Seconds a step of every turn, by run; what is compiled and tried first is not counted."""
    times: list[list[float]] = [[] for _ in runs]
    for number in range(-2, rounds):
        # Whoever comes first in a round meets another state of caches and clock.
        order = list(range(len(runs)))
        shift = number % len(runs)
        for index in order[shift:] + order[:shift]:
            seconds = runs[index].turn(steps)
            if number >= 0:
                times[index].append(seconds)
    for run in runs:
        run.end()
    return times


if __name__ == "__main__":
    sys.exit(main())
