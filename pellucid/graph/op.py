"""The op table: the meaning of each operation.

An op is one small declaration: the type of its result, its NumPy reference and its gradient rule.
Everything else (evaluation, differentiation, the verifier, the compiler, the tests) reads this
table, so a new op is a new entry and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pellucid.graph.dtype import ORDER, DType

Shape = tuple[int, ...]
Array = np.ndarray[Any, Any]
Attrs = Mapping[str, Any]
Kind = Literal["leaf", "elementwise", "reduce", "movement", "contract", "index", "random"]


@dataclass(frozen=True, slots=True)
class TensorType:
    """Shape and data type of a tensor.

    Raises ValueError for lengths that no axis can have, TypeError for a type no tensor can hold.
    """

    shape: Shape
    dtype: DType

    def __post_init__(self) -> None:
        if any(n < 0 for n in self.shape):
            raise ValueError(f"a shape holds lengths of at least 0, got {self.shape}")
        if not isinstance(self.dtype, np.dtype) or self.dtype not in ORDER:
            raise TypeError(f"a tensor cannot hold {self.dtype!r}; see pellucid.graph.dtype")

    def __str__(self) -> str:
        return f"{self.dtype.name}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True, slots=True)
class Op:
    """One operation.

    infer:     (input types, **attributes) -> type of the result; raises ValueError or TypeError.
    reference: (input arrays, **attributes) -> result, in NumPy; the definition of the op.
    gradient:  (g, out, *inputs, **attributes) -> for each input the tensor gᵀ·∂out/∂input, or None
               where the op is constant in that input. None as a whole: constant in every input.
    form:      how an application prints, "{0} + {1}".
    """

    name: str
    kind: Kind
    infer: Callable[..., TensorType]
    reference: Callable[..., Any]
    gradient: Callable[..., Sequence[Any]] | None
    form: str


TABLE: dict[str, Op] = {}


def declare(op: Op) -> Op:
    """Enter `op` in the table; a name is declared once."""
    if op.name in TABLE:
        raise ValueError(f"op {op.name!r} is declared twice")
    TABLE[op.name] = op
    return op
