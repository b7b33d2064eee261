"""A check of an op's declarations against each other: type rule, gradient rule, lowering, reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.compile.op_facts import OP_FACTS
from pellucid.graph.build import variable
from pellucid.graph.execute import Reference
from pellucid.graph.gradient import grad
from pellucid.graph.node import apply
from pellucid.graph.op import TABLE, Array
from pellucid.graph.program import Graph
from pellucid.graph.tensor import Tensor

_STEP = 1e-3
_STENCIL = ((1, 8 / 12), (-1, -8 / 12), (2, -1 / 12), (-2, 1 / 12))
"""Central differences of fourth order: steps and weights."""
_GRADIENT_ERROR = 1e-6
_LOWERING_ERROR = {"float32": 1e-5, "float64": 1e-12}


def check_op(op: str, *arrays: Any, tolerance: float | None = None, **attributes: Any) -> None:
    """Check what is declared of an op against its reference, on examples.

    op:        its name. arrays: its inputs; attributes: its attributes.
    tolerance: the largest relative error of a compiled result, by default 1e-5 for float32 and 1e-12 for
               float64; other types must be equal.

    The reference must give the type that the type rule says. The gradient rule is compared with central
    differences of the reference in float64, along a random direction, relative error at most 1e-6. If
    the op has a lowering, compiled code must give the results of the reference, NaN for NaN.

    Raises AssertionError that says what does not agree, ValueError if there is no such op.
    """
    if op not in TABLE:
        raise ValueError(f"there is no op {op!r}")
    inputs = [np.asarray(array) for array in arrays]
    _check_type(op, inputs, attributes)
    if TABLE[op].gradient is not None:
        _check_gradient(op, inputs, attributes)
    if op in OP_FACTS:
        _check_lowering(op, inputs, attributes, tolerance)


def _applied(op: str, inputs: Sequence[Tensor], attributes: dict[str, Any]) -> Tensor:
    return Tensor(apply(op, [x.node for x in inputs], **attributes))


def _check_type(op: str, inputs: Sequence[Array], attributes: dict[str, Any]) -> None:
    declared = _applied(op, [variable(x) for x in inputs], attributes).node.type
    with np.errstate(all="ignore"):
        value = np.asarray(TABLE[op].reference(*inputs, **attributes))
    if (value.shape, value.dtype) != (declared.shape, declared.dtype):
        actual = f"{value.dtype.name}{list(value.shape)}"
        raise AssertionError(f"the type rule of {op} says {declared}, its reference gives {actual}")


def _check_gradient(op: str, inputs: Sequence[Array], attributes: dict[str, Any]) -> None:
    dice = np.random.default_rng(0)
    variables = [variable(x.astype(np.float64) if x.dtype.kind == "f" else x) for x in inputs]
    varied = [x for x in variables if x.dtype.kind == "f"]
    result = _applied(op, variables, attributes)
    if not varied or result.dtype.kind != "f":
        return
    value = (result * dice.normal(size=result.shape)).sum()
    directions = [dice.normal(size=x.shape) / max(1.0, x.size**0.5) for x in varied]
    gradients = grad(value, varied)
    exact = sum(float((g.numpy() * d).sum()) for g, d in zip(gradients, directions, strict=True))
    measured = _difference(value, varied, directions)
    if not abs(measured - exact) <= _GRADIENT_ERROR * max(abs(exact), abs(measured), 1e-2):
        raise AssertionError(
            f"the gradient rule of {op} gives {exact:.9g} along a direction, differences {measured:.9g}"
        )


def _difference(value: Tensor, at: Sequence[Tensor], directions: Sequence[Array]) -> float:
    """The derivative of a scalar along directions of variables, by central differences."""
    states = [x.node.attrs["state"] for x in at]
    start = [state.value.copy() for state in states]
    program = Reference().build(Graph({"value": value.node}))
    total = 0.0
    for steps, weight in _STENCIL:
        for state, x, direction in zip(states, start, directions, strict=True):
            state.value = x + steps * _STEP * direction
        total += weight * float(program.run(1)["value"][0]) / _STEP
    for state, x in zip(states, start, strict=True):
        state.value = x
    return total


def _check_lowering(
    op: str, inputs: Sequence[Array], attributes: dict[str, Any], tolerance: float | None
) -> None:
    from pellucid.compile.program import NativeProgram

    result = _applied(op, [variable(x) for x in inputs], attributes)
    graph = Graph({"result": result.node})
    compiled = NativeProgram(graph).run(1)["result"][0]
    wanted = Reference().build(graph).run(1)["result"][0]
    allowed = _LOWERING_ERROR.get(wanted.dtype.name, 0.0) if tolerance is None else tolerance
    close = np.isclose(compiled, wanted, rtol=allowed, atol=0.0, equal_nan=wanted.dtype.kind == "f")
    if not close.all():
        at = tuple(int(i) for i in np.argwhere(~close)[0])
        raise AssertionError(
            f"compiled, {op} gives {compiled[at]} at {at}, its reference {wanted[at]}"
        )
