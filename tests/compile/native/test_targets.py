"""Every kind of kernel as code for every target, run wherever it can be run."""

from __future__ import annotations

import importlib
import re

import llvmlite.binding as llvm
import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile.code import Code
from pellucid.compile.native.assemble import to_assembly, to_object
from pellucid.compile.native.isa import Isa, host_isa, isa_named
from pellucid.compile.native.threads_ir import worker_text
from pellucid.compile.native.turns_ir import turns_text
from pellucid.graph import Graph
from pellucid.graph.dtype import ORDER
from tests.compile import closeness
from tests.compile.native.elf import AARCH64, X86_64, Object
from tests.compile.native.emulator import Emulated
from tests.compile.test_determinism import convolution, feeds_of, perceptron, table
from tests.compile.test_elementwise import ELEMENTWISE, types_of
from tests.graph.cases import CASES
from tests.graph.random_graphs import Settings, random_feeds, random_graph

TARGETS = ("avx512", "avx2", "sse2", "neon")
WHOLE = "_GLOBAL_OFFSET_TABLE_"
ROUNDING = {"floor", "floorf", "nearbyint", "nearbyintf"}
"""Functions of the C library in place of instructions that SSE2 lacks."""
_NEEDS = {"avx512": ("avx512f", "avx512bw", "avx512dq", "avx512vl"), "avx2": ("avx2", "fma")}


def every_case(dtype: str) -> Graph:
    """Each case of the table of ops and its gradients."""
    outputs = {}
    for number, case in enumerate(CASES):
        at = [g.variable(array.astype(dtype), f"x{number}") for array in case.inputs]
        y = case.own(*at)
        outputs[f"{case.op} {number}"] = y.node
        for i, gradient in enumerate(g.grad((y * 0.5).sum(), at)):
            outputs[f"{case.op} {number} by {i}"] = gradient.node
    return Graph(outputs)


def every_type() -> Graph:
    """Each elementwise op in each combination of types."""
    outputs = {}
    for op in ELEMENTWISE:
        for dtypes in types_of(op):
            inputs = [g.variable(np.ones(37, dtype), "x").node for dtype in dtypes]
            outputs[f"{op} {dtypes}"] = g.apply(op, inputs)
    for source in ORDER:
        x = g.variable(np.ones(37, source), "x").node
        for target in ORDER:
            outputs[f"{source} to {target}"] = g.apply("cast", [x], dtype=target)
    return Graph(outputs)


def graphs() -> list[Graph]:
    """Graphs with every kind of kernel and every type."""
    return [perceptron(), convolution(), table(), every_type(), *map(every_case, ("f4", "f8"))]


def runs_here(isa: Isa) -> bool:
    """Whether this machine has the target's instructions."""
    if isa.triple.split("-")[0] != host_isa().triple.split("-")[0]:
        return False
    features = llvm.get_host_cpu_features()
    return all(features.get(name) for name in _NEEDS.get(isa.name, ()))


@pytest.mark.parametrize("name", TARGETS)
def test_objects_need_nothing_from_elsewhere(name: str) -> None:
    """Objects call no mathematical function, memcpy or other helper."""
    isa = isa_named(name)
    kinds = set()
    for graph in graphs():
        code = Code(graph, isa)
        object_file = Object(to_object(code.text, isa))
        assert object_file.machine == (AARCH64 if name == "neon" else X86_64)
        assert not object_file.undefined - {WHOLE} - (ROUNDING if name == "sse2" else set())
        kinds |= {emitted.kernel.kind for level in code.levels for emitted in level}
    assert kinds == {"nest", "contraction", "draw", "scatter"}
    workers = Object(to_object(worker_text(isa), isa))
    assert {"pel_worker", "pel_lead", "pel_end"} <= {symbol.name for symbol in workers.symbols}
    assert not workers.undefined - {WHOLE}
    turns = Object(to_object(turns_text(isa), isa))
    assert "pel_turns" in {symbol.name for symbol in turns.symbols}
    assert not turns.undefined - {WHOLE}


@pytest.mark.parametrize(
    ("name", "wide", "fused", "foreign"),
    [
        ("avx512", "%zmm", "vfmadd", "%v0"),
        ("avx2", "%ymm", "vfmadd", "%zmm"),
        ("sse2", "%xmm", "mulps", r"%[yz]mm|vfmadd|vmulps|pmulld|roundps|blendv"),
        ("neon", r"v\d+\.4s", "fmla", "%xmm"),
    ],
)
def test_each_target_uses_its_own_instructions(
    name: str, wide: str, fused: str, foreign: str
) -> None:
    """Full registers and multiply-adds are used, and no instruction that the target lacks."""
    isa = isa_named(name)
    code = Code(perceptron(), isa)
    text = to_assembly(code.text, isa)
    assert len(re.findall(wide, text)) > 200
    assert len(re.findall(fused, text)) > 50
    assert not re.findall(foreign, text)


def test_the_key_of_a_program_names_its_target() -> None:
    graph = perceptron()
    keys = [Code(graph, isa_named(target)).key for target in TARGETS]
    assert len(set(keys)) == len(TARGETS)
    assert Code(perceptron(), isa_named("avx512")).key == keys[0]


@pytest.mark.parametrize("name", ["avx512", "avx2", "sse2"])
def test_every_target_that_runs_here(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target without FMA, or with narrower vectors, gives the same results but for rounding."""
    if not runs_here(isa_named(name)):
        pytest.skip(f"this machine has no {name}")
    if name == host_isa().name:
        pytest.skip("every other test runs code for this target")
    program = importlib.import_module("pellucid.compile.program")
    monkeypatch.setattr(program, "host_isa", lambda: isa_named(name))
    assert program.NativeProgram(perceptron()).code.isa.name == name
    _agree()


def test_arm_on_an_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code for NEON agrees with NumPy and accesses only its own memory."""

    def emulated(
        graph: Graph, feeds: closeness.Feeds | None = None, steps: int = 1
    ) -> closeness.Results:
        return closeness.run(Emulated(graph), graph, feeds or {}, steps)

    monkeypatch.setattr(closeness, "native", emulated)
    _agree()


def _agree() -> None:
    for graph in (perceptron(), convolution(), table(), every_case("f4")):
        assert not closeness.difference(graph, feeds_of(graph, 2), 2)
    for seed in range(16):
        graph = random_graph(seed, Settings(wild=seed % 2 == 1))
        assert not closeness.difference(graph, random_feeds(graph, seed, 2), 2), seed


def test_an_unknown_target() -> None:
    with pytest.raises(ValueError, match="no target 'riscv'; there are avx512, avx2, sse2, neon"):
        isa_named("riscv")


def test_llvm_that_is_refused_says_so() -> None:
    with pytest.raises(RuntimeError, match="that LLVM refuses: LLVM IR parsing error"):
        to_object("define void @f() { nonsense }", host_isa())
