"""What is said of kernels is true, and fits a terminal."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pel
from pellucid import graph as g
from pellucid import nn, optim
from pellucid.compile.explain import peak
from pellucid.compile.explain.facts import KernelFacts
from pellucid.compile.explain.program import Explanation, explain
from pellucid.compile.explain.table import bytes_text, count_text, table, time_text
from pellucid.compile.program import NativeProgram
from pellucid.graph import Graph
from pellucid.train.steps.supervised import supervised_step


def facts(graph: Graph) -> tuple[KernelFacts, ...]:
    return explain(NativeProgram(graph, 1)).kernels


def training(net: nn.Module, *shape: int) -> Explanation:
    x, y = np.ones((64, *shape), np.float32), np.zeros(64, np.int32)
    net.build(x[:1])
    step = supervised_step(net, nn.CrossEntropy(), optim.Adam(), (x, y), 16, 0)
    return explain(NativeProgram(step.graph, 1))


@pytest.fixture(scope="module")
def perceptron() -> Explanation:
    return training(
        nn.Sequential(nn.Linear(24), nn.BatchNorm(), nn.GELU(), nn.Dropout(0.5), nn.Linear(3)), 12
    )


@pytest.fixture(scope="module")
def recurrent() -> Explanation:
    return training(nn.Sequential(nn.LSTM(24, output="last"), nn.Linear(3)), 9, 12)


def test_a_product_and_what_follows_it() -> None:
    x, w = g.placeholder("x", (64, 32)), g.variable(np.ones((32, 16), np.float32), "w")
    with g.origin("Linear 'a'"):
        y = x @ w
    with g.origin("ReLU 'b'"):
        y = y.relu()
    (kernel,) = facts(Graph({"y": y.node}))
    assert (kernel.kind, kernel.shape, kernel.level) == ("contraction", (64, 16), 0)
    assert kernel.ops == ("matmul", "relu") and kernel.layers == ("Linear 'a'", "ReLU 'b'")
    assert kernel.moved == 4 * (64 * 32 + 32 * 16 + 64 * 16)
    assert kernel.flops == 2 * 64 * 32 * 16 + 64 * 16
    assert kernel.seconds is None


def test_an_activation_and_its_derivative_share_their_work() -> None:
    net = nn.Sequential(nn.Linear(24), nn.GELU(), nn.Linear(3))
    (kernel,) = (k for k in training(net, 12).kernels if {"gelu", "normal_cdf"} & set(k.ops))
    assert kernel.kind == "contraction" and {"gelu", "normal_cdf", "normal_pdf"} <= set(kernel.ops)
    read = 16 * 12 + 12 * 24 + 24
    assert kernel.moved <= 4 * (read + 16 + 2 * 16 * 24)  # the rows' numbers; no value before GELU


def test_a_convolution_counts_every_multiply_add() -> None:
    x = g.placeholder("x", (2, 10, 10, 3))
    w = g.variable(np.ones((3, 3, 3, 8), np.float32), "w")
    (kernel,) = facts(Graph({"y": g.convolve(x, w).node}))
    assert kernel.kind == "contraction"
    assert kernel.flops == 2 * (2 * 8 * 8 * 8) * (3 * 3 * 3)
    assert kernel.moved == 4 * (2 * 10 * 10 * 3 + 3 * 3 * 3 * 8 + 2 * 8 * 8 * 8)


def test_a_winograd_convolution_counts_what_it_does() -> None:
    x = g.placeholder("x", (2, 10, 10, 16))
    w = g.variable(np.ones((3, 3, 16, 32), np.float32), "w")
    (kernel,) = facts(Graph({"y": g.convolve(x, w).node}))
    tiles = 2 * 4 * 4
    assert kernel.kind == "winograd"
    assert kernel.flops == tiles * (2 * 16 * 16 * 32 + 32 * 16 + 24 * 32) + 35 * 16 * 32


def test_only_the_rows_that_are_taken_count() -> None:
    rows = g.placeholder("rows", (5,), np.int32)
    data = g.variable(np.ones((10_000, 40), np.float32), "data")
    (kernel,) = facts(Graph({"y": (data.take(rows) * 2.0).node}))
    assert kernel.kind == "loops" and kernel.ops == ("take", "mul")
    assert kernel.moved == 4 * (5 + 5 * 40 + 5 * 40)
    assert kernel.flops == 5 * 40


def test_an_update_reads_and_writes_its_state() -> None:
    w = g.variable(np.ones((300,), np.float32), "w")
    (kernel,) = facts(Graph({}, {w.node.attrs["state"]: (w * 0.5).node}))
    assert kernel.moved == 2 * 4 * 300


def test_every_kind_is_told_apart() -> None:
    x, step = g.placeholder("x", (50, 4)), g.placeholder("step", (), np.int64)
    a, b = (g.variable(np.ones((4, 4), np.float32), name) for name in "ab")
    states = [tensor.node.attrs["state"] for tensor in (a, b)]
    graph = Graph(
        {
            "p": (x @ a).node,
            "d": g.bernoulli((50,), 0.5, seed=0, step=step, draw=0).node,
            "s": x.scatter_add(np.arange(50) % 7, 7).node,
            "e": x.exp().sum(1).node,
        },
        {states[0]: b.node, states[1]: a.node},
    )
    assert {kernel.kind for kernel in facts(graph)} == {
        *("contraction", "draw", "scatter", "loops", "copy")
    }


def test_equal_ops_in_a_row_are_counted() -> None:
    x = g.placeholder("x", (50,))
    (kernel,) = facts(Graph({"y": (((x * x * x).exp() + 1.0) * x * 3.0).node}))
    assert kernel.ops == ("square", "mul", "exp", "add", "mul×2")


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("measured", [False, True])
def test_a_page_fits_its_width(
    perceptron: Explanation, recurrent: Explanation, width: int, measured: bool
) -> None:
    for explanation in (perceptron, recurrent):
        text = table(explanation.measured() if measured else explanation, width)
        assert max(map(len, text.splitlines())) <= width
        for layer in dict.fromkeys(layer for k in explanation.kernels for layer in k.layers):
            assert layer.split()[-1] in text
        assert "together" in text and ("GFLOP/s" in text) == measured


def test_a_page_as_wide_as_the_terminal(
    perceptron: Explanation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns, width in (("20", 80), ("90", 90), ("400", 120)):
        monkeypatch.setenv("COLUMNS", columns)
        assert str(perceptron) == table(perceptron, width)


def test_what_is_done_again_and_again_is_one_entry(recurrent: Explanation) -> None:
    text = table(recurrent, 80)
    assert len(text.splitlines()) < len(recurrent.kernels) + 30
    count = sum(k.ops == ("matmul",) and k.shape == (16, 96) for k in recurrent.kernels)
    assert count == 8 and f"{count}× contraction 16×96" in text


def test_the_middle_of_a_long_list_is_left_out() -> None:
    x = g.placeholder("x", (50,))
    y = x
    for i in range(60):
        y = (y * 0.5 + x).tanh() if i % 2 else (y - x).exp()
    text = table(explain(NativeProgram(Graph({"y": y.node}), 1)), 80)
    entry = [line for line in text.splitlines() if line.startswith("       ") and "→" in line]
    assert len(entry) == 3 and "→ … →" in " ".join(entry)
    assert entry[0].split()[0] == "sub" and entry[-1].endswith("tanh")


def test_a_program_of_nothing() -> None:
    text = table(explain(NativeProgram(Graph({}), 1)).measured(), 80)
    assert text.startswith("0 kernels in 0 levels")


def test_measuring_leaves_the_states_and_adds_up(perceptron: Explanation) -> None:
    states = perceptron.program.graph.states
    before = [state.value.copy() for state in states]
    explanation = perceptron.measured()
    for state, value in zip(states, before, strict=True):
        np.testing.assert_array_equal(state.value, value)
    assert explanation.seconds is not None and explanation.peak is not None
    times = [kernel.seconds for kernel in explanation.kernels]
    assert all(time is not None and time >= 0 for time in times)
    assert sum(time or 0.0 for time in times) == pytest.approx(explanation.seconds)
    assert [k.ops for k in explanation.kernels] == [k.ops for k in perceptron.kernels]


def test_measuring_with_feeds_of_ones_own() -> None:
    x = g.placeholder("x", (3,))
    w = g.variable(np.zeros(3, np.float32), "w")
    graph = Graph({"y": x.sum().node}, {w.node.attrs["state"]: (w + x).node})
    explanation = explain(NativeProgram(graph, 1)).measured({"x": np.ones((7, 3), np.float32)})
    assert explanation.seconds is not None and explanation.seconds > 0
    assert not graph.states[0].value.any()
    with pytest.raises(ValueError, match="'x' takes 7 steps"):
        explain(NativeProgram(graph, 1)).measured({"x": np.ones((7, 2), np.float32)})


def test_the_loops_name_their_layers_and_pointers(perceptron: Explanation) -> None:
    text = perceptron.loop_ir()
    assert "# ∂ Linear '0', update\n" in text
    assert "state '0.W', float32[12, 24]" in text and "input 'rows', int32[16]" in text
    assert text.count("kernel ") == len(perceptron.program.code.functions)
    llvm, assembly = perceptron.llvm(), perceptron.assembly()
    for function in perceptron.program.code.functions:
        assert f"@{function}(" in llvm and f"{function}:" in assembly


def test_the_peak_is_that_of_the_best_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may hold up any of them."""
    now = [0.0]
    spans = iter([0.03, 0.5, 0.004, *[0.03] * 50])

    class Busy:
        def run(self, entry: int, table: int, steps: int) -> None:
            self.work = 2.0 * steps
            now[0] += next(spans)

    team = Busy()
    monkeypatch.setattr(peak, "team_of", lambda threads: team)
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    explanation = peak.peak_flops.__wrapped__(3)
    each = explanation * 0.004 / team.work
    assert each == pytest.approx(round(each)) and round(each) % 3 == 0
    assert now[0] > 0.5


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (bytes_text(20), "20 B"),
        (bytes_text(999.4), "999 B"),
        (bytes_text(999.7), "1 kB"),
        (bytes_text(4.04e6), "4.04 MB"),
        (bytes_text(2.5e12), "2.5e+03 GB"),
        (count_text(0), "0"),
        (count_text(1.03e8), "103M"),
        (count_text(2e9), "2G"),
        (time_text(3.93e-8), "39.3 ns"),
        (time_text(1.2e-6), "1.2 µs"),
        (time_text(9.997e-4), "1 ms"),
        (time_text(2.5), "2.5 s"),
    ],
)
def test_numbers_have_three_digits(text: str, wanted: str) -> None:
    assert text == wanted


def test_a_compiled_function_explains_itself() -> None:
    softmax = pel.compile(lambda x: x.exp() / x.exp().sum(-1, keepdims=True))
    explanation = softmax.explain(np.ones((1000, 64), np.float32))
    (kernel,) = explanation.kernels
    assert kernel.ops == ("exp", "sum", "div") and kernel.layers == ()
    assert "loops 1000×64" in str(explanation)
