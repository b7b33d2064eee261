"""Reduction loops whose sums are blocked.

A running sum loses a little to rounding with every addition. So a long sum is made of chains that
start from 0 and whose totals are added (blocked summation; Higham 1993).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isqrt

from pellucid.compile.emit.accumulator import Accumulator
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value

Values = Sequence[Value]
Body = Callable[[Value, Values], list[Value]]
"""(loop variable, carried values) → carried values."""
_MANY_CHAINS = 16
"""From so many chains on, their totals are added in chains too."""


def chain_lengths(iterations: int, least: int) -> list[int]:
    """The lengths of the chains that a loop is cut into, longest first; none for a single chain."""
    length = max(least, isqrt(iterations))
    chains = -(-iterations // length)
    if chains == 1:
        return []
    return [length] if chains < _MANY_CHAINS else [length * isqrt(chains), length]


def blocked_loop(
    b: Builder,
    accumulators: Sequence[Accumulator],
    span: tuple[Value | int, Value | int, int],
    lengths: Sequence[int],
    carried: Values,
    body: Body,
) -> list[Value]:
    """A loop in chains of the first length, each in chains of the next; returns the values after it.

    span: start, end and step of the loop. carried: the accumulators' values before it.
    """
    start, end, step = span
    if not lengths:
        with b.loop(start, end, step, carried, hint="k") as k:
            k.carry(body(k.variable, k.carried))
        return list(k.results)
    length, *shorter = lengths
    with b.loop(start, end, length * step, carried, hint="chain") as chain:
        first = chain.variable
        last = b.minimum(b.add(first, length * step), end)

        def one(values: Values) -> list[Value]:
            return blocked_loop(b, accumulators, (first, last, step), shorter, values, body)

        chain.carry(from_zero(b, accumulators, chain.carried, one))
    return list(chain.results)


def from_zero(
    b: Builder,
    accumulators: Sequence[Accumulator],
    before: Values,
    chain: Callable[[Values], list[Value]],
) -> list[Value]:
    """The results of a chain whose sums start from 0, added to the sums before it."""
    sums = [a.is_sum for a in accumulators for _ in range(a.count)]
    initial = [value for a in accumulators for value in a.initial()]
    start = [new if s else old for s, new, old in zip(sums, initial, before, strict=True)]
    return [
        b.add(old, new) if s else new
        for s, old, new in zip(sums, before, chain(start), strict=True)
    ]
