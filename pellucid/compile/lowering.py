"""Lowerings of ops that are declared outside the package: how they become machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pellucid.compile.op_facts import OP_FACTS, OpFacts
from pellucid.graph.op import TABLE

if TYPE_CHECKING:
    from pellucid.compile.loop.builder import Builder
    from pellucid.compile.loop.ir import Value


def declare_lowering(op: str, emit: Callable[..., Value], cost: int = 10) -> None:
    """Say how an elementwise op of one's own is compiled, so that it need not run by the reference.

    op:   the name of an op that `graph.declare` has entered in the op table, of kind "elementwise".
    emit: (builder, *inputs, **attributes) -> value, for scalars and vectors alike. It writes the code
          of one element with the methods of `compile.loop.builder.Builder`: `add`, `sub`, `mul`,
          `div`, `neg`, `minimum`, `maximum`, `compare`, `select`, `unary` ("sqrt", "floor", "abs"),
          `convert`; and with `emit_op`, the code of other ops. A plain number stands for itself in
          every lane. Sums and products are rounded as they are written.
    cost: rough instructions for each element: 1 for a sum, 10 for an exponential. From 8 on, a value
          that is needed more than once is stored instead of computed again.

    Raises ValueError if there is no such op, it is not elementwise, or it has a lowering.
    """
    if op not in TABLE:
        raise ValueError(f"there is no op {op!r}; declare it in the graph first")
    if TABLE[op].kind != "elementwise":
        raise ValueError(f"only elementwise ops can be lowered from outside; {op!r} is not one")
    if op in OP_FACTS:
        raise ValueError(f"op {op!r} has a lowering")
    from pellucid.compile.emit.scalar_ops import EMITTERS

    EMITTERS[op] = emit
    OP_FACTS[op] = OpFacts("elementwise", cost, op, wraps=True, external=True)


def emit_op(builder: Builder, op: str, *inputs: Value, **attributes: Any) -> Value:
    """Write the code of another elementwise op, as in `emit_op(b, "exp", x)`.

    Raises ValueError if there is no elementwise op of that name, or it has no lowering.
    """
    from pellucid.compile.emit.scalar_ops import EMITTERS

    facts = OP_FACTS.get(op)
    if facts is None or facts.role != "elementwise":
        raise ValueError(f"there is no lowering of an elementwise op {op!r}")
    return EMITTERS[facts.emitter](builder, *inputs, **attributes)
