"""Ops declared outside the package: run by the reference, or compiled by a lowering of their own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import pellucid as pel
from pellucid import graph as g
from pellucid import nn, optim
from pellucid.compile import Automatic, check_op, declare_lowering, emit_op, executor
from pellucid.compile.emit.scalar_ops import EMITTERS
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.op_facts import OP_FACTS
from pellucid.compile.program import NativeProgram
from pellucid.compile.turns import build_beside
from pellucid.errors import PellucidWarning
from pellucid.graph import TABLE, Array, Graph, Op, Program, Tensor
from pellucid.graph.execute import ReferenceProgram
from pellucid.train.steps.supervised import supervised_step

X = np.linspace(-3, 3, 60, dtype=np.float32)
STEPS = 30


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    """What a test declares is gone after it."""
    ops, facts, emitters = dict(TABLE), dict(OP_FACTS), dict(EMITTERS)
    executor._named.clear()
    yield
    for name in set(TABLE) - set(ops):
        del TABLE[name]
    for name in set(OP_FACTS) - set(facts):
        del OP_FACTS[name], EMITTERS[name]
    assert (TABLE, OP_FACTS, EMITTERS) == (ops, facts, emitters)


def softsign(x: Array) -> Array:
    """The reference."""
    return np.asarray(x / (1 + np.abs(x)))


def declare_softsign(scale: float = 1.0) -> None:
    """x / (1 + |x|); the gradient rule is wrong if the scale is not 1."""

    def rule(gradient: Tensor, out: Tensor, x: Tensor) -> tuple[Tensor]:
        return (gradient * scale / (abs(x) + 1.0).square(),)

    g.declare(Op("softsign", "elementwise", lambda x: x, softsign, rule, "softsign({0})"))


def emit_softsign(b: Builder, x: Value) -> Value:
    return b.div(x, b.add(1.0, emit_op(b, "abs", x)))


def declare_twice() -> None:
    """x + x."""
    infer = TABLE["square"].infer
    g.declare(Op("twice", "elementwise", infer, lambda x: x + x, None, "2 · {0}"))


class Softsign(nn.Module):
    """The op as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return x.apply("softsign")


def step_graph() -> Graph:
    """A training step of a network that holds the op, large enough to be compiled."""
    x = np.random.default_rng(0).normal(size=(64, 20)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int32)
    net = nn.Sequential(nn.Linear(32), Softsign(), nn.Linear(2)).build(x[:1])
    return supervised_step(net, nn.CrossEntropy(), optim.SGD(0.5), (x, y), 32, 0).graph


def losses(graph: Graph, program: Program) -> Array:
    """Of some steps of training."""
    rows = [np.random.default_rng(i).permutation(64)[:32] for i in range(STEPS)]
    feeds: dict[str, Array] = {
        "rows": np.stack(rows).astype(np.int32),
        "learning_rate": np.full(STEPS, 0.5, np.float32),
        "step": np.arange(STEPS),
    }
    return program.run(STEPS, {name: feeds[name] for name in graph.inputs})["loss"]


# -- without a lowering ----------------------------------------------------------------------------


def test_a_graph_trains_by_the_reference_and_one_warning_says_so() -> None:
    declare_softsign()
    graph = step_graph()
    with pytest.warns(PellucidWarning, match=r"no lowering of 'softsign'.*declare_lowering"):
        program = Automatic().build(graph, runs=2)
    assert isinstance(program, ReferenceProgram)
    actual = losses(graph, program)
    assert actual[-5:].mean() < 0.6 * actual[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Automatic().build(graph, runs=2)


def test_compiling_is_refused() -> None:
    declare_softsign()
    with pytest.raises(NotImplementedError, match="no lowering of op 'softsign'"):
        pel.Native().build(step_graph())
    with pytest.raises(NotImplementedError, match="'softsign'"):
        pel.compile(lambda x: x.apply("softsign"))(X)


def test_a_small_graph_needs_none() -> None:
    declare_softsign()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        actual = g.tensor(X).apply("softsign").numpy()
    assert np.array_equal(actual, softsign(X))


def test_a_program_beside_a_native_one_is_run_by_the_reference() -> None:
    """As the probes of a step are."""
    declare_softsign()
    step = NativeProgram(Graph({"y": g.variable(X).node}), 1)
    beside = build_beside(step, Graph({"y": g.variable(X).apply("softsign").node}))
    assert isinstance(beside, ReferenceProgram)
    np.testing.assert_array_equal(beside.run()["y"][0], softsign(X))


# -- with a lowering -------------------------------------------------------------------------------


def test_a_training_step_is_compiled() -> None:
    declare_softsign()
    declare_lowering("softsign", emit_softsign, cost=5)
    graph, same = step_graph(), step_graph()
    program = Automatic().build(graph, runs=2)
    assert isinstance(program, NativeProgram)
    wanted = losses(same, g.Reference().build(same))
    np.testing.assert_allclose(losses(graph, program), wanted, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 5, 60])
def test_compiled_values_are_those_of_the_reference(dtype: type, size: int) -> None:
    declare_softsign()
    declare_lowering("softsign", emit_softsign)
    x: Array = X[:size].astype(dtype)
    check_op("softsign", x)
    x = np.concatenate([x, np.array([0.0, -0.0, np.nan, 1e30, np.inf], dtype)])
    with np.errstate(invalid="ignore"):
        wanted = softsign(x)
    actual = pel.compile(lambda x: x.apply("softsign"))(x)
    np.testing.assert_array_equal(actual, wanted)
    assert actual.dtype == wanted.dtype


def test_attributes_and_several_inputs_reach_the_lowering() -> None:
    def reference(x: Array, y: Array, weight: float) -> Array:
        return np.asarray(np.where(x < y, x, y * np.asarray(weight, x.dtype)))

    def emit(b: Builder, x: Value, y: Value, weight: float) -> Value:
        return b.select(b.compare("<", x, y), x, b.mul(y, weight))

    form = "mixed({0}, {1}; {weight})"
    g.declare(Op("mixed", "elementwise", lambda x, y, weight: x, reference, None, form))
    declare_lowering("mixed", emit, cost=2)
    check_op("mixed", X, X[::-1].copy(), weight=0.25)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_integers_wrap_as_in_the_reference(dtype: type) -> None:
    declare_twice()
    declare_lowering("twice", lambda b, x: b.add(x, x), cost=1)
    kind = np.iinfo(dtype)
    check_op("twice", np.array([kind.min, 0, 1, kind.max // 2 + 1, kind.max], dtype))


def test_objects_of_another_lowering_are_not_run(tmp_path: Path) -> None:
    """The hash of the compiler does not cover a lowering from outside."""
    declare_twice()
    graph = Graph({"y": g.variable(X).apply("twice").node})

    def lowered(emit: Callable[[Builder, Value], Value]) -> tuple[Array, bool]:
        declare_lowering("twice", emit)
        program = NativeProgram(graph, 1, ObjectCache(tmp_path))
        del OP_FACTS["twice"], EMITTERS["twice"]
        return program.run()["y"][0], program.from_cache

    first, cached = lowered(lambda b, x: b.add(x, x))
    assert np.array_equal(first, 2 * X) and not cached
    second, cached = lowered(lambda b, x: b.mul(x, 3.0))
    assert np.array_equal(second, 3 * X) and not cached
    again, cached = lowered(lambda b, x: b.add(x, x))
    assert np.array_equal(again, 2 * X) and cached


def test_a_lowering_of_another_type_is_refused() -> None:
    declare_twice()
    declare_lowering("twice", lambda b, x: b.compare("<", x, 0.0))
    with pytest.raises(TypeError, match="lowering of twice gives a i1"):
        pel.compile(lambda x: x.apply("twice"))(X)


def test_a_lowering_is_declared_once_for_an_elementwise_op_that_exists() -> None:
    declare_twice()
    declare_lowering("twice", lambda b, x: b.add(x, x))
    for name, message in (
        ("twice", "'twice' has a lowering"),
        ("add", "'add' has a lowering"),
        ("matmul", "only elementwise ops"),
        ("nothing", "no op 'nothing'"),
    ):
        with pytest.raises(ValueError, match=message):
            declare_lowering(name, emit_softsign)
    with pytest.raises(ValueError, match="no lowering of an elementwise op 'matmul'"):
        emit_op(Builder("f", [], ""), "matmul")


# -- what `check_op` notices -----------------------------------------------------------------------


def test_a_wrong_gradient_rule_is_noticed() -> None:
    declare_softsign(scale=1.001)
    with pytest.raises(AssertionError, match="gradient rule of softsign"):
        check_op("softsign", X)


def test_a_wrong_lowering_is_noticed() -> None:
    declare_softsign()
    declare_lowering("softsign", lambda b, x: b.div(x, b.add(1.0, x)))
    with pytest.raises(AssertionError, match="compiled, softsign gives"):
        check_op("softsign", X)


def test_a_wrong_type_rule_is_noticed() -> None:
    g.declare(Op("half", "elementwise", lambda x: x, lambda x: x.astype(np.float64) / 2, None, ""))
    with pytest.raises(AssertionError, match="type rule of half"):
        check_op("half", X)
    with pytest.raises(ValueError, match="no op 'third'"):
        check_op("third", X)


@pytest.mark.parametrize("op", ["gelu", "tanh", "square", "where", "less"])
def test_ops_of_the_package_pass(op: str) -> None:
    arrays = [X] if op in ("gelu", "tanh", "square") else [X, X[::-1].copy()]
    check_op(op, *([X > 0, *arrays] if op == "where" else arrays))
