"""Native programs as a caller sees them: what they are fed, what they give, what they refuse."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile import Automatic, Native, work
from pellucid.compile.program import NativeProgram, task_ranges
from pellucid.graph import Array, Executor, Graph, Reference
from pellucid.graph.execute import ReferenceProgram
from tests.compile.closeness import difference

EXECUTORS = [Native(), Reference()]


def _graph() -> Graph:
    x = g.placeholder("x", (3, 5), np.float32)
    n = g.placeholder("n", (), np.int64)
    return Graph({"y": (x * 2.0 + n.cast(np.float32)).node, "n": n.node})


def _feeds(steps: int = 2) -> dict[str, Array]:
    x = np.arange(15 * steps, dtype=np.float32).reshape(steps, 3, 5)
    return {"x": x, "n": np.arange(steps)}


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.pop("x"), "input 'x', which was not fed"),
        (lambda f: f.update(x=f["x"][:1]), "'x'.*2 steps"),
        (lambda f: f.update(x=f["x"].astype(float)), r"'x' takes .*float32\[3, 5\].*got float64"),
        (lambda f: f.update(x=f["x"].swapaxes(1, 2)), r"'x' takes .*got float32\[.*5, 3\]"),
        (lambda f: f.update(n=np.array([0, 1], np.float32)), "'n' takes .*int64.*got float32"),
        (lambda f: f.update(n=np.int64(3)), "'n'.*2 steps"),
        (lambda f: f.update(other=np.zeros(3)), "'other'.*2 steps"),
    ],
)
def test_feeds_that_do_not_fit(
    executor: Executor, spoil: Callable[[dict[str, Array]], Any], message: str
) -> None:
    feeds = _feeds()
    spoil(feeds)
    with pytest.raises(ValueError, match=message):
        executor.build(_graph()).run(2, feeds)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_fewer_than_no_steps(executor: Executor) -> None:
    with pytest.raises(ValueError, match="0 steps or more, got -1"):
        executor.build(Graph({"y": g.iota((3,), 0).node})).run(-1)


def test_feeds_that_lie_in_memory_in_other_ways(tmp_path: Path) -> None:
    graph, feeds = _graph(), _feeds()
    wanted = NativeProgram(graph).run(2, feeds)["y"]
    x = feeds["x"]
    frozen = x.copy()
    frozen.flags.writeable = False
    mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=x.shape)
    mapped[...] = x
    others = [
        np.asfortranarray(x),
        np.repeat(x, 2, 1)[:, ::2],
        x[::-1].copy()[::-1],
        frozen,
        mapped,
        x.astype(">f4"),
    ]
    for other in others[:-1]:
        actual = NativeProgram(graph).run(2, feeds | {"x": other})["y"]
        np.testing.assert_array_equal(actual, wanted)
    with pytest.raises(ValueError, match="'x' takes"):
        NativeProgram(graph).run(2, feeds | {"x": others[-1]})
    repeated = np.broadcast_to(x[0], (2, 3, 5))
    again = NativeProgram(graph).run(2, {"x": repeated, "n": np.zeros(2, np.int64)})["y"]
    np.testing.assert_array_equal(again[0], again[1])


def test_a_state_may_be_fed() -> None:
    """What is fed is what the array held when the run began, though the run writes into it."""
    w = g.variable(np.arange(40, dtype=np.float32), "w")
    state = w.node.attrs["state"]
    x = g.placeholder("x", (40,), np.float32)
    graph = Graph({"y": (x.flip((0,)) + w).node}, {state: (w + x.flip((0,))).node})
    NativeProgram(graph).run(1, {"x": state.value[None]})
    assert (state.value == 39).all()


def test_results_are_the_callers_own() -> None:
    program = NativeProgram(_graph())
    first = program.run(2, _feeds())
    kept = {name: value.copy() for name, value in first.items()}
    second = program.run(2, {"x": _feeds()["x"] + 1, "n": np.array([7, 8])})
    for name, value in first.items():
        np.testing.assert_array_equal(value, kept[name])
        assert not np.shares_memory(value, second[name])
        value[...] = 0


def test_one_program_in_two_threads() -> None:
    """Runs of one program take turns, since they share its memory."""
    x = g.placeholder("x", (64, 64), np.float32)
    weight = g.variable(np.eye(64, dtype=np.float32), "w")
    graph = Graph({"y": ((x @ weight).tanh() @ weight).sum().node})
    program = NativeProgram(graph, 1)
    wrong: list[float] = []

    def go(value: float) -> None:
        inputs = np.full((200, 64, 64), value, np.float32)
        for _ in range(5):
            actual = program.run(200, {"x": inputs})["y"]
            if np.unique(actual).size != 1 or abs(actual[0] - 4096 * np.tanh(value)) > 0.1:
                wrong.append(float(actual[0]))

    threads = [threading.Thread(target=go, args=(value,)) for value in (0.25, 0.5, 0.75)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_what_is_worth_compiling() -> None:
    small = Graph({"y": (g.iota((10,), 0) * 2).node})
    a = g.variable(np.ones((40, 40), np.float32), "a")
    middling = Graph({"y": (a @ a).node})
    many = g.iota((10,), 0)
    for number in range(20):
        many = many * number + 1
    assert work(middling) == 2 * 40**3
    automatic = Automatic()
    assert isinstance(automatic.build(small, runs=100), ReferenceProgram)
    assert isinstance(automatic.build(Graph({"y": many.node}), runs=99), ReferenceProgram)
    assert isinstance(automatic.build(Graph({"y": many.node}), runs=100), NativeProgram)
    assert isinstance(automatic.build(middling), ReferenceProgram)
    assert isinstance(automatic.build(middling, runs=2), NativeProgram)


@pytest.mark.parametrize("outputs", [{}, {"a": (0,)}, {"a": (0, 5), "b": (3, 0, 2)}])
def test_graphs_of_nothing(outputs: dict[str, tuple[int, ...]]) -> None:
    nodes = {name: g.variable(np.zeros(shape, np.float32)).node for name, shape in outputs.items()}
    assert not difference(Graph(nodes), {}, 2)
    total = {name: g.Tensor(node).sum().node for name, node in nodes.items()}
    assert not difference(Graph(total), {}, 2)


def test_a_long_chain() -> None:
    """Neither recursion nor fusion minds how deep a graph is."""
    x = g.variable(np.linspace(-1, 1, 300, dtype=np.float32), "x")
    y = x
    for i in range(3000):
        y = (y * 0.5 + x).relu() if i % 500 else (y - y.mean()).tanh()
    assert not difference(Graph({"y": y.node}))


def test_a_wide_graph() -> None:
    xs = [g.variable(np.full(17, i, np.float32), f"x{i}") for i in range(300)]
    outputs = {f"y{i}": (x * float(i) + xs[i - 1]).node for i, x in enumerate(xs)}
    updates = {x.node.attrs["state"]: (x + 1.0).node for x in xs}
    assert not difference(Graph(outputs, updates), {}, 3)


def _rolled(x: g.Tensor) -> g.Tensor:
    x = g.concatenate([x[1:], x[:1]], 0)
    return g.concatenate([x[:, 2:], x[:, :2]], 1)


def _mixed(x: g.Tensor) -> g.Tensor:
    return x.reshape(4, 15).T.reshape(6, 10).T.reshape(6, 10)


def _slid(x: g.Tensor) -> g.Tensor:
    return x.pad((1, 0), (0, 1))[:-1, 1:].flip((0,))


@pytest.mark.parametrize("move", [_rolled, _mixed, _slid])
def test_long_chains_of_movement(move: Callable[[g.Tensor], g.Tensor]) -> None:
    """What is written for them grows with their length, not with a power of it."""
    x = g.variable(np.arange(60, dtype=np.float32).reshape(6, 10), "x")
    y = x
    sizes = []
    for _ in range(2):
        for _ in range(12):
            y = move(y)
        graph = Graph({"y": (y + 1.0).node, "z": (y.T @ x).node})
        assert not difference(graph)
        sizes.append(len(NativeProgram(graph).code.text))
    assert sizes[1] < 3 * sizes[0] < 3_000_000


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_threads_share_every_kernel_without_gaps(threads: int) -> None:
    """And a kernel of many tasks evenly, so that rows stay with a thread from kernel to kernel."""
    x = g.variable(np.ones((4096, 96), np.float32), "x")
    w = g.variable(np.ones((96, 64), np.float32), "w")
    h = (x @ w).relu()
    made = NativeProgram(Graph({"y": h.sum(1).node, "z": (h.T @ x).node}), threads)
    emitted = [each for level in made.code.levels for each in level]
    rows = task_ranges(made.code.levels, threads).reshape(len(emitted), threads, 2)
    even = 0
    for kernel, cuts in zip(emitted, rows, strict=True):
        assert cuts[0, 0] == 0 and cuts[-1, 1] == kernel.tasks
        assert (cuts[1:, 0] == cuts[:-1, 1]).all()
        if kernel.tasks >= 8 * threads:
            even += 1
            assert np.ptp(cuts[:, 1] - cuts[:, 0]) <= 1
    assert even or threads == 7
