"""A tensor seen from Python: the type of a node, and its value on demand."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pellucid.graph.arrays import Symbolic
from pellucid.graph.dtype import DType
from pellucid.graph.execute import evaluate
from pellucid.graph.node import Node
from pellucid.graph.op import Array, Shape
from pellucid.hints import TENSOR, missing


class Handle(Symbolic):
    """A node seen from Python. Nothing is computed until a value is asked for.

    The value is computed from the states as they are at that moment, and is not cached. A copy is of
    the same node; a deep copy, or one that was pickled, reads copies of the states.
    """

    __slots__ = ("node",)
    __array_priority__ = 100  # NumPy arrays defer to the reflected operators of Tensor

    def __init__(self, node: Node) -> None:
        self.node = node

    def __copy__(self) -> Self:
        return type(self)(self.node)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)(copy.deepcopy(self.node, memo))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.node,)

    @property
    def shape(self) -> Shape:
        """Lengths of the axes."""
        return self.node.shape

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        return self.node.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.node.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.node.size

    def numpy(self) -> Array:
        """The value now, as a NumPy array of its own."""
        return evaluate([self.node])[0]

    def item(self) -> float | int | bool:
        """The value of a tensor of one element, as a Python number."""
        if self.size != 1:
            raise ValueError(f"a tensor of shape {self.shape} has {self.size} elements, not one")
        value: float | int | bool = self.numpy().reshape(()).item()
        return value

    def tolist(self) -> Any:
        """The value now, as nested lists of Python numbers."""
        return self.numpy().tolist()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise missing("a tensor", name, TENSOR)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("a tensor is computed, so it cannot be seen without a copy")
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __repr__(self) -> str:
        try:
            values = np.array2string(self.numpy(), separator=", ", prefix="tensor(", threshold=100)
        except ValueError:  # it depends on an input that only a run can feed
            values = self.node.op
        return f"tensor({values}, {self.node.type})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a scalar tensor has no length")
        return self.shape[0]
