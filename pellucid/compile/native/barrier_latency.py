"""The latency of a barrier between two levels of kernels, measured by a loop of barriers.

Processors that share a cache synchronise in a tenth of a microsecond. Others take many times as long,
and then a small step is faster on one thread.
"""

from __future__ import annotations

import time
from functools import cache

from pellucid.compile.loop.entry import ENTRY, entry_builder
from pellucid.compile.loop.llvm import module_text
from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.native.isa import host_isa
from pellucid.compile.native.library import Text, load
from pellucid.compile.native.threads import team_of
from pellucid.compile.native.threads_ir import barrier_text

_BARRIERS = 500
_TRIALS = 5
_WITH_VALUES = 30
"""Latency of a level relative to that of its barrier: its values come from another processor's cache."""


@cache
def barrier_seconds() -> float:
    """Seconds from one level of kernels to the next where two threads share the work.

    The barrier itself and the transfer of the level's values between caches.
    """
    isa = host_isa()
    b = entry_builder("barriers")
    _, steps, thread, _, team = b.parameters
    with b.loop(0, steps):
        b.call("pel_barrier", [team, thread])
    text = module_text([], b.function, barrier_text(isa))
    library, _ = load(Text(text, isa), (ENTRY,), ObjectCache())
    entry = library.address(ENTRY)
    best = float("inf")
    for _ in range(_TRIALS):
        began = time.perf_counter()
        team_of(2).run(entry, 0, _BARRIERS)
        best = min(best, (time.perf_counter() - began) / _BARRIERS)
    return best * _WITH_VALUES
