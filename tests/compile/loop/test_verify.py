"""The checker of loop IR, on illegal code and on all emitted code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pellucid.compile.code import Code
from pellucid.compile.emit.driver import entry
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import (
    F32,
    F64,
    I1,
    I32,
    I64,
    PTR,
    Block,
    Function,
    If,
    Instruction,
    Loop,
    Type,
    Value,
)
from pellucid.compile.loop.verify import verify
from pellucid.compile.native.isa import isa_named
from pellucid.graph import Graph
from tests.compile.test_determinism import GRAPHS
from tests.graph.random_graphs import Settings, random_graph

TARGETS = ("avx512", "avx2", "sse2", "neon")


def check(graph: Graph, target: str) -> None:
    code = Code(graph, isa_named(target))
    for function in code.functions.values():
        verify(function)
    verify(
        entry(code.levels, code.barriers, code.address, code.stride, code.scratch), code.functions
    )


@pytest.mark.parametrize("target", TARGETS)
def test_random_graphs(target: str) -> None:
    for seed in range(60):
        check(random_graph(seed, Settings(wild=seed % 2 == 1)), target)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("make", GRAPHS)
def test_training_steps(make: Callable[[], Graph], target: str) -> None:
    check(make(), target)


# -- illegal code -----------------------------------------------------------------------------------

V8, W8, M8 = Type("f32", 8), Type("i64", 8), Type("i1", 8)
pointer, number, whole, flag = Value(PTR, "p"), Value(F32, "x"), Value(I64, "n"), Value(I1, "c")
vector, indices, mask = Value(V8, "v"), Value(W8, "w"), Value(M8, "m")
PARAMETERS = (pointer, number, whole, flag, vector, indices, mask)


def function_of(*items: Instruction | Loop | If) -> Function:
    return Function("f", PARAMETERS, Block(list(items)))


def loop_of(*body: Instruction, **changes: object) -> Loop:
    inner = Value(F32, "inner")
    settings: dict[str, object] = {
        "variable": Value(I64, "i"),
        "start": whole,
        "stop": whole,
        "step": 1,
        "initial": (number,),
        "carried": (inner,),
        "body": Block(list(body)),
        "following": (inner,),
        "results": (Value(F32, "after"),),
    }
    return Loop(**(settings | changes))  # type: ignore[arg-type]


def made(kind: Type = F32) -> Value:
    return Value(kind, "made")


LEGAL = [
    Instruction("add", (number, number), made()),
    Instruction("select", (mask, vector, vector), made(V8)),
    Instruction("select", (flag, vector, vector), made(V8)),
    Instruction("compare", (vector, vector), made(M8), "<"),
    Instruction("load", (pointer, mask), made(V8)),
    Instruction("store", (vector, pointer, mask), None),
    Instruction("gather", (pointer, indices), made(V8)),
    Instruction("shuffle", (vector, vector), made(Type("f32", 2)), (0, 15)),
    Instruction("call", (pointer,), None, "other"),
    loop_of(),
    If(flag, Block([Instruction("prefetch", (pointer,), None, "read")])),
]
ILLEGAL = [
    Instruction("add", (number, vector), made()),
    Instruction("add", (number, number), made(F64)),
    Instruction("add", (number,), made()),
    Instruction("add", (pointer, pointer), made(PTR)),
    Instruction("and", (number, number), made()),
    Instruction("rem", (number, number), made()),
    Instruction("fma", (number, number), made()),
    Instruction("neg", (whole,), made(I64)),
    Instruction("compare", (vector, vector), made(I1), "<"),
    Instruction("compare", (number, number), made(I1), "<>"),
    Instruction("compare", (number,), made(I1), "<"),
    Instruction("select", (mask, number, number), made()),
    Instruction("convert", (vector,), made(F32)),
    Instruction("convert", (pointer,), made(I64)),
    Instruction("bitcast", (number,), made(I64)),
    Instruction("splat", (vector,), made(V8)),
    Instruction("splat", (number,), made(F32)),
    Instruction("lane", (vector,), made(), 8),
    Instruction("lane_numbers", (), made(V8)),
    Instruction("shuffle", (vector, vector), made(Type("f32", 2)), (0, 16)),
    Instruction("shuffle", (vector, vector), made(V8), (0, 1)),
    Instruction("join", (number, number), made(V8)),
    Instruction("offset", (pointer, number), made(PTR), "f32"),
    Instruction("offset", (whole, whole), made(PTR), "f32"),
    Instruction("load", (pointer, mask), made()),
    Instruction("load", (pointer,), made(M8)),
    Instruction("load", (pointer,), None),
    Instruction("store", (mask, pointer), None),
    Instruction("store", (), None),
    Instruction("store", (number, whole), None),
    Instruction("gather", (pointer, whole), made(V8)),
    Instruction("gather", (pointer, indices), made()),
    Instruction("stack", (), made(F32), "4 f32"),
    Instruction("clock", (), made(I32)),
    Instruction("call", (pointer, whole), None, "other"),
    Instruction("call", (pointer,), made(), "other"),
    Instruction("leap", (), made()),
    Instruction("add", (number, Value(F32, "nowhere")), made()),
    Instruction("add", (number, number), Value(F32, "x")),
    If(whole, Block()),
    If(Value(I1, "nowhere"), Block()),
    loop_of(step=0),
    loop_of(stop=number),
    loop_of(variable=Value(I32, "i")),
    loop_of(following=()),
    loop_of(initial=(whole,)),
    loop_of(results=(Value(F64, "after"),)),
    loop_of(following=(Value(F32, "nowhere"),)),
    loop_of(results=(Value(F32, "x"),)),
]
OTHER = Function("other", (Value(PTR, "q"),), Block())


@pytest.mark.parametrize("item", LEGAL)
def test_what_is_legal(item: Instruction | Loop | If) -> None:
    verify(function_of(item), {"other": OTHER})


@pytest.mark.parametrize("item", ILLEGAL)
def test_what_is_not(item: Instruction | Loop | If) -> None:
    with pytest.raises(TypeError, match=r"^f: "):
        verify(function_of(item), {"other": OTHER})


def test_what_is_defined_inside_is_not_seen_outside() -> None:
    inside = Instruction("neg", (number,), Value(F32, "inside"))
    assert inside.result is not None
    use = Instruction("neg", (inside.result,), made())
    verify(function_of(inside, use))
    for block in (If(flag, Block([inside])), loop_of(inside)):
        with pytest.raises(TypeError, match=r"made:f32 = neg\(inside:f32\).*not defined here"):
            verify(function_of(block, use))
    loop = loop_of()
    for hidden in (loop.variable, loop.carried[0]):
        with pytest.raises(TypeError, match="not defined here"):
            verify(function_of(loop, Instruction("prefetch", (hidden,), None, "read")))
    verify(function_of(loop, Instruction("neg", (loop.results[0],), made())))


def test_what_a_builder_writes_is_legal() -> None:
    b = Builder("sums", [("p", PTR), ("n", I64)])
    start, count = b.parameters
    with b.loop(0, count, 8, [b.constant(V8, 0.0)]) as loop:
        loop.carry([b.add(loop.carried[0], b.load(start, loop.variable, V8))])
    total = b.reduce("add", loop.results[0])
    with b.when(b.compare(">", total, 0.0)):
        b.store(total, start, 0)
    verify(b.function)
