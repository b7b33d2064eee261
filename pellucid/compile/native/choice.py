"""How many threads run a program."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from pellucid.compile.native.handoff import handoff_seconds
from pellucid.compile.native.isa import host_isa
from pellucid.compile.native.threads import available_processors

_RATE = 3e9
"""Instructions a second of one thread, roughly."""
_CHEAPEST, _DEAREST = 2e-7, 2e-5  # seconds
"""What a handoff costs on any machine: outside of this nothing needs to be measured, and what a busy
machine measures beyond it is not the handoff's."""

_chosen: list[int] = []


def set_threads(threads: int | None) -> None:
    """Use this many threads for every program built from now on; None: choose by its work."""
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise ValueError(f"threads is at least 1, or None, got {threads!r}")
    _chosen[:] = [] if threads is None else [threads]


def choose_threads(levels: Sequence[tuple[float, int]], meets: int) -> int:
    """How many threads a program gets.

    levels: what is done one after the other: rough instructions of one lane, and into how many
    tasks they are cut. meets: how many times a step waits for all threads.
    What `set_threads` or PELLUCID_THREADS says; else the number for which a step should take least:
    its work shared among them, and what handing it over costs, which is measured on this machine
    (see `handoff`) if it matters. No more than the processors that this process may use and than
    OMP_NUM_THREADS, by which joblib and schedulers share a machine among processes.
    """
    asked = _chosen[0] if _chosen else _number_in("PELLUCID_THREADS")
    if asked is not None:
        return asked
    most = min(available_processors(), _number_in("OMP_NUM_THREADS") or sys.maxsize)
    rate = _RATE * host_isa().lanes

    def seconds(threads: int) -> float:
        return sum(work / min(threads, max(tasks, 1)) for work, tasks in levels) / rate

    gain = seconds(1) - seconds(most)
    if most == 1 or gain <= meets * _CHEAPEST:
        return 1
    certain = gain > meets * _DEAREST
    handoff = 0.0 if certain else min(handoff_seconds(), _DEAREST)
    # A barrier of more threads takes longer with every doubling.
    waiting = meets * handoff
    return min(range(1, most + 1), key=lambda n: seconds(n) + waiting * (n - 1).bit_length())


def _number_in(variable: str) -> int | None:
    """The number of at least 1 in a variable of the environment, the first of several (OpenMP)."""
    text = os.environ.get(variable, "").partition(",")[0].strip()
    return int(text) if text.isdecimal() and int(text) > 0 else None
