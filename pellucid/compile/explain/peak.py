"""What this machine can do at most: multiply-adds a second, measured by a loop of nothing else."""

from __future__ import annotations

import ctypes
import time
from functools import cache

from pellucid.compile.loop.entry import ENTRY, entry_builder
from pellucid.compile.loop.ir import F32, Type
from pellucid.compile.loop.llvm import module_text
from pellucid.compile.native.arena import aligned_zeros
from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.native.isa import host_isa
from pellucid.compile.native.library import Text, load
from pellucid.compile.native.threads import team_of
from pellucid.compile.native.threads_ir import barrier_text

_CHAINS = 12
_TURNS = 2_000_000
_TRIES = 5
_SECONDS = 0.2


@cache
def peak_flops(threads: int = 1) -> float:
    """float32 operations a second on so many threads, a multiply-add counting two.

    The best of at least five tries, and of 0.2 s: another process may hold up most of them.
    """
    isa = host_isa()
    vector = Type("f32", isa.lanes)
    b = entry_builder("independent multiply-adds")
    table, steps, thread, _, team = b.parameters
    factor = b.splat(b.load(table, 0, F32), isa.lanes)
    sums = [b.constant(vector, float(i)) for i in range(_CHAINS)]
    with b.loop(0, steps, carried=sums) as turn:
        turn.carry([b.fma(total, factor, factor) for total in turn.carried])
    total = turn.results[0]
    for other in turn.results[1:]:
        total = b.add(total, other)
    b.store(total, table, b.mul(b.add(thread, 1), isa.lanes))
    b.call("pel_barrier", [team, thread])
    text = module_text([], b.function, barrier_text(isa))
    library, _ = load(Text(text, isa), (ENTRY,), ObjectCache())
    numbers = aligned_zeros(4 * isa.lanes * (threads + 1), "a measurement")
    address = ctypes.c_void_p(numbers.ctypes.data).value or 0
    tries: list[float] = []
    while len(tries) < _TRIES or sum(tries) < _SECONDS:
        began = time.perf_counter()
        team_of(threads).run(library.address(ENTRY), address, _TURNS)
        tries.append(time.perf_counter() - began)
    return 2.0 * _TURNS * _CHAINS * isa.lanes * threads / min(tries)
