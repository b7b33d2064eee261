"""Movements above movements above gathers, between closed pages and under every verifier.

A guarded program ends its process if it touches what is not its own, so each runs in a child.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.fuzz import survivors
from pellucid import graph as g
from pellucid.compile import verified
from pellucid.compile.code import Code
from pellucid.compile.loop.bounds import OutOfBoundsError
from pellucid.compile.native.isa import host_isa
from pellucid.compile.plan import index
from pellucid.compile.program import task_ranges
from pellucid.compile.verified import verify_code, verify_task_ranges
from pellucid.graph import Graph, Tensor
from tests.compile.closeness import difference, differs
from tests.compile.guard_pages import guarded


def _table(columns: int) -> Tensor:
    values = np.random.default_rng(columns).standard_normal((20, columns))
    return g.variable(values.astype(np.float32), "x")


def _rows(dtype: type = np.int64) -> Tensor:
    return g.tensor(np.array([3, 19, 0, 7, -1, 20, 5, 5, 11, 2, 14, 1], dtype))


def pictures(rows: Tensor | None = None) -> Tensor:
    """Flat channel-first images, taken, made channel-last, padded, as for a convolution."""
    taken = _table(3 * 8 * 8).take(_rows() if rows is None else rows, 0)
    x = taken.reshape(-1, 3, 8, 8).transpose([0, 2, 3, 1])
    return x.pad([0, 1, 1, 0], [0, 1, 1, 0])


def joined_pictures() -> Tensor:
    x = _table(3 * 8 * 8).take(_rows(), 0).reshape(12, 3, 8, 8).transpose([0, 2, 3, 1])
    return g.concatenate([x, x.flip(1)], 1)


def padded_rows_of_a_gather() -> Tensor:
    """The rows that are looked up lie outside the index where there is padding."""
    return _table(6).take(_rows().reshape(3, 4), 0).pad([1, 2, 0], [1, 1, 1], interior=[0, 1, 0])


def gather_by_a_padded_index() -> Tensor:
    at = _rows(np.int32).reshape(3, 4).transpose([1, 0]).pad([1, 2], [3, 1]).reshape(-1)
    return _table(6).take(at, 0)


def gather_of_a_gather() -> Tensor:
    at = _rows().take(g.tensor(np.array([0, 11, 12, -5, 3], np.int64)), 0)
    return _table(6).take(at, 0).reshape(-1, 3).pad([5, 2], [5, 2]).reshape(-1)[3:]


def windows_of_padding() -> Tensor:
    x = _table(12).take(_rows(), 0).reshape(12, 4, 3).transpose([0, 2, 1]).reshape(12, 12)
    return g.windows(x.pad([0, 3], [0, 3], interior=[0, 1]), (3,), (2,), (2,), (1,)).sum(-1)


def sums_of_padding() -> Tensor:
    """A reduction whose lanes lie along what is padded."""
    x = _table(12).take(_rows(), 0).reshape(8, 18).transpose([1, 0]).reshape(-1, 9)
    return x.pad([2, 1], [1, 2]).sum(0)


def gather_by_a_joined_index() -> Tensor:
    """The parts of the index begin and end within a row of what is padded."""
    first = _rows(np.int32)[:6].reshape(2, 3, 1)
    at = g.concatenate([first, _rows(np.int32)[6:].reshape(2, 3, 1)], 0).reshape(12)
    x = _table(6).take(at, 0).reshape(3, 1, 24).transpose([1, 0, 2])
    return x.pad([3, 2, 0], [0, 3, 3], interior=[2, 1, 2])


CASES = (
    pictures,
    joined_pictures,
    padded_rows_of_a_gather,
    gather_by_a_padded_index,
    gather_by_a_joined_index,
    gather_of_a_gather,
    windows_of_padding,
    sums_of_padding,
)


def _graph(make: Callable[[], Tensor]) -> Graph:
    return Graph({"y": (make() * 2.0).node})


@pytest.mark.parametrize("make", CASES)
def test_moved_gathers(make: Callable[[], Tensor]) -> None:
    verify_code(Code(_graph(make), host_isa()))
    assert not difference(_graph(make))


def _in_a_child(code: str) -> int:
    """The status of a process that runs this code of this module."""
    lines = f"from tests.compile import test_guard_pages as t\n{code}"
    return subprocess.run([sys.executable, "-c", lines], stderr=subprocess.DEVNULL).returncode


def run_all() -> None:
    """Every case between closed pages, flush at either side, on 1, 2 and 3 threads."""
    for make in CASES:
        for at_end in (True, False):
            for results in guarded(_graph(make), {}, 1, at_end):
                assert not differs(_graph(make), {}, 1, results), make


def run_as_before() -> None:
    """The first case as compiled when a remainder was said to be never negative."""
    index._atom_bounds = _never_negative
    os.environ["PELLUCID_VERIFY"] = "0"
    first = g.tensor(np.zeros(2, np.int64))
    guarded(_graph(lambda: pictures(first)), {}, 1, at_end=False, verified=False)


def _never_negative(atom: index.Atom) -> tuple[int, int]:
    if isinstance(atom, index.Axis):
        return 0, max(atom.extent - 1, 0)
    if isinstance(atom, index.Lookup):
        return 0, max(atom.bound - 1, 0)
    if isinstance(atom, index.Remainder):
        return 0, atom.divisor - 1
    low, high = atom.index.bounds()
    return low // atom.divisor, high // atom.divisor


def test_between_closed_pages() -> None:
    assert _in_a_child("t.run_all()") == 0


def test_a_closed_page_ends_the_process() -> None:
    assert _in_a_child("t.run_as_before()") in (-signal.SIGSEGV, -signal.SIGBUS)


def test_the_verifier_refuses_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_atom_bounds", _never_negative)
    monkeypatch.setattr(verified, "_proven", set())
    with pytest.raises(OutOfBoundsError, match="which has"):
        verify_code(Code(_graph(pictures), host_isa()))


def test_random_graphs_between_closed_pages() -> None:
    failed = [(seed, what) for seed, what in survivors(0, 40, 14) if what]
    assert not failed


def test_shares_of_tasks() -> None:
    levels = Code(_graph(pictures), host_isa()).levels
    for threads in (1, 2, 3, 7):
        shares = task_ranges(levels, threads)
        verify_task_ranges(levels, shares)
        shares[1] += 1
        with pytest.raises(ValueError, match="tasks"):
            verify_task_ranges(levels, shares)
