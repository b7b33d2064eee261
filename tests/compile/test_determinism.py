"""The same bits for any number of threads, from run to run, in chunks, and after a restart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile.program import NativeProgram
from pellucid.graph import Array, Graph, Tensor
from tests.compile.closeness import Feeds, native, run
from tests.graph.random_graphs import Settings, random_feeds, random_graph
from tests.graph.shrink import rebuild

THREADS = (2, 3, 8)
STEPS = 4


def _weights(rng: np.random.Generator, *shape: int) -> Tensor:
    return g.variable((rng.standard_normal(shape) / 8).astype(np.float32), "w")


def _trained(loss: Tensor, parameters: list[Tensor], **outputs: Tensor) -> Graph:
    """A step of momentum on a loss."""
    updates = {}
    for w, gradient in zip(parameters, g.grad(loss, parameters), strict=True):
        moment = g.variable(np.zeros(w.shape, np.float32), "m")
        fresh = 0.9 * moment + gradient
        updates[moment.node.attrs["state"]] = fresh.node
        updates[w.node.attrs["state"]] = (w - 0.01 * fresh).node
    return Graph({"loss": loss.node} | {n: t.node for n, t in outputs.items()}, updates)


def perceptron() -> Graph:
    """Batch norm, dropout, softmax: every kind of reduction, and products in many tasks."""
    rng = np.random.default_rng(0)
    x = g.placeholder("x", (96, 70), np.float32)
    labels = g.placeholder("labels", (96,), np.int32)
    step = g.placeholder("step", (), np.int64)
    w, b, v = _weights(rng, 70, 130), _weights(rng, 130), _weights(rng, 130, 11)
    h = x @ w + b
    centred = h - h.mean(0, keepdims=True)
    h = (centred * (centred.square().mean(0, keepdims=True) + 1e-5).rsqrt()).relu()
    h = g.bernoulli(h.shape, 0.8, seed=3, step=step, draw=1).where(h / 0.8, 0.0)
    scores = g.log_softmax(h @ v)
    loss = -(g.one_hot(labels, 11) * scores).sum(-1).mean()
    return _trained(loss, [w, b, v], best=scores.argmax(1))


def convolution() -> Graph:
    """Two convolutions with strides, pooled."""
    rng = np.random.default_rng(1)
    x = g.placeholder("x", (6, 20, 20, 3), np.float32)
    w, v = _weights(rng, 3, 3, 3, 24), _weights(rng, 3, 3, 24, 40)
    h = g.convolve(x, w).relu()
    h = g.convolve(h, v, stride=2).tanh()
    return _trained(h.mean((1, 2)).square().sum(1).mean(), [w, v])


def table() -> Graph:
    """Embeddings, a gradient that is scattered, sums over many rows and over few, float64."""
    rng = np.random.default_rng(2)
    rows = g.placeholder("rows", (2000,), np.int64)
    w, scale = _weights(rng, 37, 50), _weights(rng, 50)
    taken = w.take(rows) * scale.exp()
    total = taken.cast(np.float64).sum().cast(np.float32)
    loss = taken.sum(0).square().mean() + taken.max(1).mean() + 1e-3 * total
    noise = g.normal((3000,), seed=1, step=0, draw=2)
    return _trained(loss, [w, scale], noise=noise, longest=taken.reshape(-1).square().sum())


def feeds_of(graph: Graph, steps: int) -> dict[str, Array]:
    rng = np.random.default_rng(9)
    results: dict[str, Array] = {}
    for name, kind in graph.inputs.items():
        if kind.dtype.kind == "f":
            results[name] = rng.standard_normal((steps, *kind.shape)).astype(kind.dtype)
        else:
            results[name] = rng.integers(0, 11, (steps, *kind.shape)).astype(kind.dtype)
    return results


def bits(results: dict[str, Array]) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in results.items()}


GRAPHS = [perceptron, convolution, table]


@pytest.mark.parametrize("make", GRAPHS)
def test_any_number_of_threads(make: Callable[[], Graph]) -> None:
    graph = make()
    feeds = feeds_of(graph, STEPS)
    one = bits(native(graph, feeds, STEPS, threads=1))
    assert bits(native(graph, feeds, STEPS, threads=1)) == one
    for threads in THREADS:
        program = NativeProgram(graph, threads)
        assert program.threads == threads
        for _ in range(2):
            assert bits(run(program, graph, feeds, STEPS)) == one


@pytest.mark.parametrize("make", GRAPHS)
def test_there_is_work_to_share(make: Callable[[], Graph]) -> None:
    """Else the tests above prove nothing."""
    levels = NativeProgram(make(), 3).code.levels
    assert any(emitted.tasks > 3 for level in levels for emitted in level)


@pytest.mark.parametrize("make", GRAPHS)
def test_chunks_of_steps(make: Callable[[], Graph]) -> None:
    graph, chunked = make(), make()
    feeds = feeds_of(graph, STEPS)
    whole = NativeProgram(graph).run(STEPS, feeds)
    program = NativeProgram(chunked, 2)
    parts: list[Feeds] = []
    for first, last in ((0, 1), (1, 1), (1, 3), (3, STEPS)):
        part = {name: array[first:last] for name, array in feeds.items()}
        parts.append(program.run(last - first, part))
    for name, value in whole.items():
        assert np.concatenate([part[name] for part in parts]).tobytes() == value.tobytes()
    assert [s.value.tobytes() for s in graph.states] == [s.value.tobytes() for s in chunked.states]


@pytest.mark.parametrize("make", GRAPHS)
def test_stopping_and_starting_again(make: Callable[[], Graph]) -> None:
    """A program built anew over copies of the states goes on as if it had not stopped."""
    graph = make()
    feeds = feeds_of(graph, STEPS)
    whole = bits(native(graph, feeds, STEPS))
    NativeProgram(graph).run(2, {name: array[:2] for name, array in feeds.items()})
    copy = rebuild(graph)
    rest = native(copy, {name: array[2:] for name, array in feeds.items()}, 2, threads=3)
    for number in range(len(copy.states)):
        assert rest[f"state {number}"].tobytes() == whole[f"state {number}"]


@pytest.mark.parametrize("wild", [False, True])
def test_random_graphs(wild: bool) -> None:
    for seed in range(40):
        graph = random_graph(seed, Settings(wild=wild))
        feeds = random_feeds(graph, seed, 2)
        one = bits(native(graph, feeds, 2, threads=1))
        assert bits(native(graph, feeds, 2, threads=1 + seed % 5)) == one


def test_no_step_changes_nothing() -> None:
    graph = table()
    before = [state.value.copy() for state in graph.states]
    results = NativeProgram(graph, 2).run(0, feeds_of(graph, 0))
    assert {len(value) for value in results.values()} == {0}
    for state, value in zip(graph.states, before, strict=True):
        assert state.value.tobytes() == value.tobytes()


def test_a_state_given_a_new_array_is_read_from_it() -> None:
    graph = table()
    program = NativeProgram(graph)
    feeds = feeds_of(graph, 1)
    first = bits(run(program, graph, feeds, 1))
    state = graph.states[0]
    state.value = state.value * np.float32(2)
    assert bits(run(program, graph, feeds, 1)) != first
    assert bits(run(program, graph, feeds, 1)) == bits(native(graph, feeds, 1))


def test_a_program_may_be_dropped_as_soon_as_it_has_run() -> None:
    """Its code is unloaded at once: no thread may still be on its way out of it."""
    x = g.variable(np.arange(30_000, dtype=np.float32), "x")
    for number in range(100):
        graph = Graph({"y": (x * float(number) + 1.0).node})
        results = NativeProgram(graph, 8).run(1)["y"][0]
        assert results[-1] == np.float32(29_999 * number + 1)
