"""What it costs to hand work from thread to thread on this machine, measured by a loop of barriers.

Processors that share a cache meet in a tenth of a microsecond; those that do not take many times as
long, and then a small step is faster on one thread.
"""

from __future__ import annotations

import time
from functools import cache

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, PTR
from pellucid.compile.loop.llvm import module_text
from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.native.isa import host_isa
from pellucid.compile.native.library import Text, load
from pellucid.compile.native.threads import team_of
from pellucid.compile.native.threads_ir import barrier_text

_TURNS = 500
_TRIES = 5
_LINES = 30
"""How many times as long as a barrier the values of a level take to come from another processor."""


@cache
def handoff_seconds() -> float:
    """Seconds from one level of kernels to the next where two threads share the work."""
    isa = host_isa()
    b = Builder(
        "entry",
        [("table", PTR), ("steps", I64), ("thread", I64), ("threads", I64), ("team", PTR)],
        "barriers",
    )
    _, steps, thread, _, team = b.parameters
    with b.loop(0, steps):
        b.call("pel_barrier", [team, thread])
    text = module_text([], b.function, barrier_text(isa))
    library, _ = load(Text(text, isa), ("entry",), ObjectCache())
    entry = library.address("entry")
    best = float("inf")
    for _ in range(_TRIES):
        began = time.perf_counter()
        team_of(2).run(entry, 0, _TURNS)
        best = min(best, (time.perf_counter() - began) / _TURNS)
    return best * _LINES
