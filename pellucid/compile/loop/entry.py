"""The function by which a program is run."""

from __future__ import annotations

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, PTR

ENTRY = "entry"
"""The name of the function."""


def entry_builder(note: str) -> Builder:
    """A builder of `void entry(table, steps, thread, threads, team)`, which all threads call.

    table: pointers to the program's memory. team: the memory by which threads wait for each other,
    null for a single thread.
    """
    parameters = [("table", PTR), ("steps", I64), ("thread", I64), ("threads", I64), ("team", PTR)]
    return Builder(ENTRY, parameters, note)
