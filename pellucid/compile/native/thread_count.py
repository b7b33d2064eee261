"""The number of threads that run a program."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from pellucid.compile.native.barrier_latency import barrier_seconds
from pellucid.compile.native.isa import host_isa
from pellucid.compile.native.threads import available_processors

_RATE = 3e9
"""Rough instructions per second of one thread."""
_LEAST_LATENCY, _GREATEST_LATENCY = 2e-7, 2e-5  # seconds
"""Bounds of a barrier's latency on any machine. Where they decide, nothing is measured. A busy machine
may measure more; the excess is not the barrier's."""

_chosen: list[int] = []


def set_threads(threads: int | None) -> None:
    """Use this many threads for every program built from now on; None: choose by its work."""
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise ValueError(f"threads is at least 1, or None, got {threads!r}")
    _chosen[:] = [] if threads is None else [threads]


def choose_threads(levels: Sequence[tuple[float, int]], barriers: int) -> int:
    """The number of threads for a program.

    levels: rough instructions of one lane, and the number of tasks, of each level of kernels.
    barriers: barriers in a step.
    `set_threads` decides, then PELLUCID_THREADS; else the number of threads for which the estimated
    time of a step is least. The estimate adds the work of the busiest thread and the latency of the
    barriers, which is measured on this machine if it matters (see `barrier_latency`). The number is
    at most the processors that this process may use, and OMP_NUM_THREADS, by which joblib and
    schedulers share a machine among processes.
    """
    requested = _chosen[0] if _chosen else _number_in("PELLUCID_THREADS")
    if requested is not None:
        return requested
    most = min(available_processors(), _number_in("OMP_NUM_THREADS") or sys.maxsize)
    rate = _RATE * host_isa().lanes

    def seconds(threads: int) -> float:
        return sum(work / min(threads, max(tasks, 1)) for work, tasks in levels) / rate

    gain = seconds(1) - seconds(most)
    if most == 1 or gain <= barriers * _LEAST_LATENCY:
        return 1
    certain = gain > barriers * _GREATEST_LATENCY
    latency = 0.0 if certain else min(barrier_seconds(), _GREATEST_LATENCY)
    # The latency of a barrier grows with the logarithm of the number of threads.
    waiting = barriers * latency
    return min(range(1, most + 1), key=lambda n: seconds(n) + waiting * (n - 1).bit_length())


def _number_in(variable: str) -> int | None:
    """The number of at least 1 in an environment variable; of a list as in OpenMP, the first."""
    text = os.environ.get(variable, "").partition(",")[0].strip()
    return int(text) if text.isdecimal() and int(text) > 0 else None
