"""Barrier-free regions: the results are the same however far one thread is ahead of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ctypes import CFUNCTYPE, c_int64, c_void_p

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile import program as programs
from pellucid.compile.code import Code
from pellucid.compile.native.isa import host_isa
from pellucid.compile.plan.row_blocks import Usage
from pellucid.compile.program import NativeProgram
from pellucid.graph import Graph, Tensor
from tests.compile.closeness import difference, native, run
from tests.compile.test_determinism import bits, feeds_of

BATCH, INPUTS, UNITS, LENGTH = 24, 5, 32, 6
Step = Callable[[Tensor, np.random.Generator], Tensor]


class _Unfair:
    """A team whose threads run one after the other, each from barrier to barrier."""

    def __init__(self, program: NativeProgram, backwards: bool) -> None:
        self.program = program
        self.backwards = backwards

    def run(self, entry: int, table: int, steps: int) -> None:
        assert steps == 1
        call = CFUNCTYPE(None, c_void_p, c_int64, c_int64, c_int64, c_void_p)(entry)
        threads = self.program.threads
        ranges = self.program._task_ranges.reshape(-1, threads, 2)
        every = ranges.copy()
        order = range(threads)
        for region in _kernels_between_barriers(self.program.code):
            ranges[:] = 0
            ranges[region] = every[region]
            for thread in reversed(order) if self.backwards else order:
                call(table, 1, thread, threads, None)
        ranges[:] = every


def _kernels_between_barriers(code: Code) -> Iterator[list[int]]:
    region: list[int] = []
    number = 0
    for depth, level in enumerate(code.levels):
        region += range(number, number + len(level))
        number += len(level)
        if depth in code.barriers:
            yield region
            region = []
    assert not region


@contextmanager
def _unfair(program: NativeProgram, backwards: bool) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "team_of", lambda threads: _Unfair(program, backwards))
        yield


def check(graph: Graph, steps: int = 2) -> None:
    """Right, and the same bits on any number of threads, whichever is ahead.

    Bits are compared outside of `assert`, as pytest takes minutes to list where long bytes differ.
    """
    feeds = feeds_of(graph, 1)
    assert not difference(graph, feeds, 1)
    one = bits(native(graph, feeds, 1, threads=1))
    for threads in (2, 3, 8):
        program = NativeProgram(graph, threads)
        same = bits(run(program, graph, feeds, 1)) == one
        assert same, threads
        for backwards in (False, True):
            with _unfair(program, backwards):
                # The first run leaves another step's values in memory.
                run(program, graph, feeds_of(graph, 1), 1)
                same = bits(run(program, graph, feeds, 1)) == one
                assert same, (threads, backwards)


def levels_between_barriers(graph: Graph) -> list[int]:
    """The number of levels of each barrier-free region."""
    code = Code(graph, host_isa())
    ends = sorted(code.barriers)
    return [last - before for before, last in zip([-1, *ends], ends, strict=False)]


def _weights(rng: np.random.Generator, *shape: int) -> Tensor:
    return g.variable((rng.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32), "w")


def _trained(loss: Tensor, weights: Sequence[Tensor], **outputs: Tensor) -> Graph:
    gradients = g.grad(loss, list(weights))
    updates = {
        w.node.attrs["state"]: (w - 0.1 * gradient).node
        for w, gradient in zip(weights, gradients, strict=True)
    }
    return Graph({"loss": loss.node} | {n: t.node for n, t in outputs.items()}, updates)


def _lstm(
    x: list[Tensor], rng: np.random.Generator, units: int, at_once: bool = True
) -> tuple[list[Tensor], list[Tensor]]:
    """The states of an LSTM over a sequence, and its weights. at_once: one product for all inputs."""
    w, u = _weights(rng, x[0].shape[1], 4 * units), _weights(rng, units, 4 * units)
    b = _weights(rng, 4 * units)
    product = g.stack(x) @ w + b if at_once else g.stack([each @ w + b for each in x])
    hidden: list[Tensor] = []
    memory: Tensor | None = None
    for t in range(len(x)):
        z = product[t] + hidden[-1] @ u if hidden else product[t]
        i, f, n, o = (z[:, k * units : (k + 1) * units] for k in range(4))
        new = i.sigmoid() * n.tanh()
        memory = new if memory is None else f.sigmoid() * memory + new
        hidden.append(o.sigmoid() * memory.tanh())
    return hidden, [w, u, b]


def _sequence(batch: int = BATCH) -> list[Tensor]:
    x = g.placeholder("x", (batch, LENGTH, INPUTS), np.float32)
    return [x[:, t] for t in range(LENGTH)]


def lstm(batch: int = BATCH, units: int = UNITS) -> Graph:
    hidden, weights = _lstm(_sequence(batch), np.random.default_rng(0), units)
    return _trained(hidden[-1].square().mean(), weights, last=hidden[-1])


def both_ways() -> Graph:
    rng = np.random.default_rng(1)
    x = _sequence()
    there, weights = _lstm(x, rng, UNITS)
    back, others = _lstm(x[::-1], rng, UNITS)
    states = [g.concatenate([a, b], axis=1) for a, b in zip(there, back[::-1], strict=True)]
    loss = sum((h.square().mean() for h in states[1:]), states[0].mean())
    return _trained(loss, [*weights, *others], states=g.stack(states, axis=1))


def stacked() -> Graph:
    rng = np.random.default_rng(2)
    first, weights = _lstm(_sequence(), rng, UNITS)
    second, others = _lstm(first, rng, 40, at_once=False)
    return _trained(g.stack(second).square().mean(), [*weights, *others])


def gru() -> Graph:
    rng = np.random.default_rng(3)
    w, u = _weights(rng, INPUTS, 3 * UNITS), _weights(rng, UNITS, 3 * UNITS)
    h = g.tensor(np.zeros((BATCH, UNITS), np.float32))
    for x in g.stack(_sequence()) @ w:
        parts = [slice(k * UNITS, (k + 1) * UNITS) for k in range(3)]
        z = h @ u
        r, k = ((x[:, p] + z[:, p]).sigmoid() for p in parts[:2])
        h = (1.0 - k) * (x[:, parts[2]] + r * z[:, parts[2]]).tanh() + k * h
    return _trained(h.square().mean(), [w, u], last=h)


@pytest.mark.parametrize("make", [lstm, both_ways, stacked, gru])
def test_recurrent_networks(make: Callable[[], Graph]) -> None:
    check(make())


@pytest.mark.parametrize("make", [lstm, gru])
def test_threads_do_not_wait_within_a_chain(make: Callable[[], Graph]) -> None:
    """Once on the way forward and once on the way back; else the tests here prove nothing."""
    assert sum(levels >= LENGTH - 2 for levels in levels_between_barriers(make())) >= 2


@pytest.mark.parametrize("units", [16, 24, 50])
@pytest.mark.parametrize("batch", [1, 7, 17, 64])
def test_any_sizes(batch: int, units: int) -> None:
    check(lstm(batch, units))


def test_states_updated_within_a_chain() -> None:
    """What one row block reads of a state must not have been replaced by another one."""
    rng = np.random.default_rng(4)
    u, start = _weights(rng, UNITS, UNITS), _weights(rng, BATCH, UNITS)
    h = start
    for _ in range(LENGTH):
        h = (h @ u + start.flip((0,))).tanh()
    updates = {start.node.attrs["state"]: h.node, u.node.attrs["state"]: (u * 0.5).node}
    check(Graph({"h": h.node}, updates))
    other = _weights(rng, BATCH, UNITS)
    swapped = {start.node.attrs["state"]: other.node, other.node.attrs["state"]: start.node}
    check(Graph({"h": h.node}, swapped))


# -- chains with all kinds of steps ----------------------------------------------------------------


def _turned(h: Tensor, rng: np.random.Generator) -> Tensor:
    return h + h.flip((0,))


def _moved(h: Tensor, rng: np.random.Generator) -> Tensor:
    n = int(rng.integers(1, h.shape[0]))
    return g.concatenate([h[n:], h[:n]])


def _padded(h: Tensor, rng: np.random.Generator) -> Tensor:
    n = int(rng.integers(1, h.shape[0]))
    return h + h[n:].pad((n, 0), (0, 0)) if rng.random() < 0.5 else h + h[:-n].pad((n, 0), (0, 0))


def _transposed(h: Tensor, rng: np.random.Generator) -> Tensor:
    return h.T if h.shape[0] == h.shape[1] else h * 0.5


def _centred(h: Tensor, rng: np.random.Generator) -> Tensor:
    return h - h.mean(0, keepdims=True)


def _normed(h: Tensor, rng: np.random.Generator) -> Tensor:
    return h - h.mean(1, keepdims=True)


def _gathered(h: Tensor, rng: np.random.Generator) -> Tensor:
    axis = int(rng.integers(2))
    return h.take(g.tensor(rng.integers(0, h.shape[axis], h.shape[axis])), axis)


def _reshaped(h: Tensor, rng: np.random.Generator) -> Tensor:
    return h.reshape(h.shape[1], h.shape[0]).tanh().T


def _compared(h: Tensor, rng: np.random.Generator) -> Tensor:
    return (h @ h.T) @ h * 0.1


def _bent(h: Tensor, rng: np.random.Generator) -> Tensor:
    return h.tanh() * h.sigmoid()


def _halved(h: Tensor, rng: np.random.Generator) -> Tensor:
    half = h.shape[0] // 2
    return g.concatenate([h[:half].tanh(), h[half:].sigmoid()])


STEPS: list[Step] = [
    _turned, _moved, _padded, _transposed, _centred, _normed, _gathered, _reshaped, _compared,
    _bent, _halved,
]  # fmt: skip


def chain(seed: int) -> Graph:
    """Products by the same weights with steps between them that mix rows or do not."""
    rng = np.random.default_rng(seed)
    batch = int(rng.choice((16, 20, 32, 33)))
    units = int(rng.choice((16, 32, 33)))
    u, start = _weights(rng, units, units), _weights(rng, batch, units)
    h, seen = start, list[Tensor]()
    for _ in range(int(rng.integers(4, 9))):
        h = (h @ u).tanh() if rng.random() < 0.7 else h @ u
        for _ in range(int(rng.integers(0, 3))):
            h = STEPS[rng.integers(len(STEPS))](h, rng)
        if seen and rng.random() < 0.3:
            h = h + seen[rng.integers(len(seen))]
        seen.append(h)
    states = g.stack(seen, axis=int(rng.integers(3)))
    if rng.random() < 0.5:
        return Graph({"h": h.node, "states": states.node}, {start.node.attrs["state"]: h.node})
    return _trained(states.square().mean(), [u, start], states=states)


@pytest.mark.parametrize("seed", range(40))
def test_chains_of_steps(seed: int) -> None:
    check(chain(seed))


def test_a_missing_barrier_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Usage, "conflicts_with", lambda *_: False)
    wrong = 0
    for seed in range(10):
        try:
            check(chain(seed))
        except AssertionError:
            wrong += 1
    assert wrong >= 8
