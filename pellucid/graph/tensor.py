"""Tensor: the thin user-facing handle on a node.

Operators and methods build nodes; nothing is computed until `.numpy()`, `float()` or `print` ask
for it, and then with the state as it is at that moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, TypeAlias, TypeGuard

import numpy as np

from pellucid.check import plain
from pellucid.graph import indexing, reductions
from pellucid.graph.arrays import converted, is_number, natural
from pellucid.graph.dtype import BOOL, INT64, as_dtype, float_of, promote
from pellucid.graph.functions import Functions
from pellucid.graph.node import Literal, apply
from pellucid.graph.op import Array
from pellucid.graph.products import product
from pellucid.graph.reductions import Axes
from pellucid.keywords import CALLS, explained

Number = bool | int | float
Operand: TypeAlias = "Tensor | Number | Array | np.generic | Sequence[Any]"


@explained(CALLS)
def tensor(value: Any, dtype: Any = None) -> Tensor:
    """A constant tensor from a number, nested lists or an array.

    Python floats become float32 and Python ints int64; arrays keep their type (see `dtype`).
    Raises TypeError for what is not numbers, OutOfRangeError (an OverflowError and a ValueError) for
    numbers that the type cannot hold.
    """
    if isinstance(value, Tensor):
        return value if dtype is None else value.cast(dtype)
    array = natural(value) if dtype is None else converted(value, as_dtype(dtype))
    return Tensor(apply("constant", value=Literal(array)))


def operands(*values: Operand) -> list[Tensor]:
    """The values as tensors of one shape and one type; Python numbers are weak."""
    numbers = [v for v in values if is_number(v)]
    mixed = [v if is_number(v) else tensor(v) for v in values]
    dtype = promote(BOOL, *(t.dtype for t in mixed if isinstance(t, Tensor)))
    if any(isinstance(v, float) for v in numbers):
        dtype = float_of(dtype)
    elif dtype == BOOL and not all(isinstance(v, bool) for v in numbers):
        dtype = INT64
    same = [tensor(v, dtype) for v in mixed]
    shape = indexing.broadcast_shapes(*(t.shape for t in same))
    return [t.broadcast_to(shape) for t in same]


def _is_operand(value: object) -> TypeGuard[Operand]:
    return isinstance(value, (Tensor, bool, int, float, np.ndarray, np.generic, list, tuple))


class Tensor(Functions["Tensor"]):
    """A value of a graph: an array of a known shape and type, computed when asked for."""

    __slots__ = ()

    @staticmethod
    def constant(value: Any, dtype: Any = None) -> Tensor:
        """A constant tensor; see `pellucid.tensor`."""
        return tensor(value, dtype)

    def apply(self, op: str, *others: Tensor, **attrs: Any) -> Tensor:
        """The op of this name on this tensor and others, with these attributes."""
        return Tensor(apply(op, [self.node, *(other.node for other in others)], **attrs))

    def real(self) -> Tensor:
        """x itself if it is float; integers and conditions as float32."""
        to = float_of(self.dtype)
        return Tensor(self.node) if to == self.dtype else self.apply("cast", dtype=to)

    @property
    def T(self) -> Tensor:
        """All axes reversed."""
        return self.transpose()

    # -- arithmetic ---------------------------------------------------------------------------

    def __add__(self, other: Operand) -> Tensor:
        return binary("add", self, other)

    def __radd__(self, other: Operand) -> Tensor:
        return binary("add", other, self)

    def __sub__(self, other: Operand) -> Tensor:
        return binary("sub", self, other)

    def __rsub__(self, other: Operand) -> Tensor:
        return binary("sub", other, self)

    def __mul__(self, other: Operand) -> Tensor:
        return binary("mul", self, other)

    def __rmul__(self, other: Operand) -> Tensor:
        return binary("mul", other, self)

    def __truediv__(self, other: Operand) -> Tensor:
        return float_binary("div", self, other)

    def __rtruediv__(self, other: Operand) -> Tensor:
        return float_binary("div", other, self)

    def __pow__(self, power: Operand) -> Tensor:
        if isinstance(power, (int, float)) and power == 2:
            return self._real("square")
        if isinstance(power, (int, float)) and power == 0.5:
            return self.sqrt()
        return float_binary("pow", self, power)

    def __rpow__(self, base: Operand) -> Tensor:
        return float_binary("pow", base, self)

    def __neg__(self) -> Tensor:
        return self.apply("neg")

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return self.apply("abs")

    def __matmul__(self, other: Operand) -> Tensor:
        return product(self, tensor(other))

    def __rmatmul__(self, other: Operand) -> Tensor:
        return tensor(other) @ self

    def maximum(self, other: Operand) -> Tensor:
        """The larger of two; equal operands share the gradient."""
        return binary("maximum", self, other)

    def minimum(self, other: Operand) -> Tensor:
        """The smaller of two; equal operands share the gradient."""
        return binary("minimum", self, other)

    def clip(self, low: Number | None = None, high: Number | None = None) -> Tensor:
        """x limited to [low, high]."""
        above = self if low is None else self.maximum(low)
        return above if high is None else above.minimum(high)

    # -- comparison and choice ----------------------------------------------------------------
    # == compares element by element, as in NumPy; a tensor as a dict key is itself only.

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return self.equal(other) if _is_operand(other) else NotImplemented

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return self.not_equal(other) if _is_operand(other) else NotImplemented

    __hash__ = object.__hash__

    def equal(self, other: Operand) -> Tensor:
        """Where x = y, as bool."""
        return compare("equal", self, other)

    def not_equal(self, other: Operand) -> Tensor:
        """Where x ≠ y, as bool."""
        return compare("not_equal", self, other)

    def __lt__(self, other: Any) -> Tensor:
        return compare("less", self, other)

    def __le__(self, other: Any) -> Tensor:
        return compare("less_equal", self, other)

    def __gt__(self, other: Any) -> Tensor:
        return compare("less", other, self)

    def __ge__(self, other: Any) -> Tensor:
        return compare("less_equal", other, self)

    def __and__(self, other: Operand) -> Tensor:
        return binary("logical_and", self, other)

    def __or__(self, other: Operand) -> Tensor:
        return binary("logical_or", self, other)

    def __xor__(self, other: Operand) -> Tensor:
        return (self | other) & ~(self & other)

    def __rand__(self, other: Operand) -> Tensor:
        return binary("logical_and", other, self)

    def __ror__(self, other: Operand) -> Tensor:
        return binary("logical_or", other, self)

    def __rxor__(self, other: Operand) -> Tensor:
        return self ^ other

    def __invert__(self) -> Tensor:
        return self.apply("logical_not")

    def where(self, x: Operand, y: Operand) -> Tensor:
        """x where this condition holds, y elsewhere."""
        x, y = operands(x, y)
        shape = indexing.broadcast_shapes(self.shape, x.shape)
        condition, x, y = (part.broadcast_to(shape) for part in (self, x, y))
        return condition.apply("where", x, y)

    def cast(self, dtype: Any) -> Tensor:
        """The same values in another type; floats are cut towards 0 when they become integers."""
        to = as_dtype(dtype)
        return self if to == self.dtype else self.apply("cast", dtype=to)

    def stop_gradient(self) -> Tensor:
        """The same value, taken as constant by `grad`."""
        return self.apply("stop_gradient")

    # -- reductions ---------------------------------------------------------------------------

    @explained(CALLS)
    def sum(self, axes: Axes = None, keepdims: bool = False) -> Tensor:
        """Σ over `axes` (all by default); integers and conditions are added as int64."""
        return reductions.total(self, axes, keepdims)

    @explained(CALLS)
    def mean(self, axes: Axes = None, keepdims: bool = False) -> Tensor:
        """The mean over `axes` (all by default), as a float; NaN over no elements."""
        return reductions.mean(self, axes, keepdims)

    @explained(CALLS)
    def var(self, axes: Axes = None, keepdims: bool = False, *, ddof: int = 0) -> Tensor:
        """The variance Σ (x − mean)² / (n − ddof) over `axes` (all by default), as in NumPy."""
        return reductions.variance(self, axes, keepdims, ddof)

    @explained(CALLS)
    def std(self, axes: Axes = None, keepdims: bool = False, *, ddof: int = 0) -> Tensor:
        """The square root of `var`; its gradient is infinite or NaN where it is 0."""
        return self.var(axes, keepdims, ddof=ddof).sqrt()

    @explained(CALLS)
    def max(self, axes: Axes = None, keepdims: bool = False) -> Tensor:
        """The largest over `axes`; equal ones share the gradient, as in torch.amax."""
        return reductions.largest(self, axes, keepdims)

    @explained(CALLS)
    def min(self, axes: Axes = None, keepdims: bool = False) -> Tensor:
        """The smallest over `axes`; equal ones share the gradient."""
        return reductions.smallest(self, axes, keepdims)

    @explained(CALLS)
    def argmax(self, axis: int = -1, keepdims: bool = False) -> Tensor:
        """Where along `axis` (the last by default) the first largest element is, as int32."""
        return reductions.where_largest(self, axis, keepdims)

    @explained(CALLS)
    def argmin(self, axis: int = -1, keepdims: bool = False) -> Tensor:
        """Where along `axis` (the last by default) the first smallest element is, as int32."""
        return reductions.where_largest(reductions.mirrored(self), axis, keepdims)

    @explained(CALLS)
    def any(self, axes: Axes = None, keepdims: bool = False) -> Tensor:
        """Whether any element over `axes` (all by default) is true or not 0."""
        return self.cast(BOOL).sum(axes, keepdims) > 0

    @explained(CALLS)
    def all(self, axes: Axes = None, keepdims: bool = False) -> Tensor:
        """Whether every element over `axes` (all by default) is true or not 0."""
        return ~(~self.cast(BOOL)).any(axes, keepdims)

    # -- movement -----------------------------------------------------------------------------

    def reshape(self, *shape: int | Sequence[int]) -> Tensor:
        """The elements in the same order, in another shape; one length may be −1."""
        to = indexing.full_shape(self.shape, indexing.flat_ints(shape))
        return self if to == self.shape else self.apply("reshape", shape=to)

    def flatten(self) -> Tensor:
        """The elements in the same order, along one axis."""
        return self.reshape(self.size)

    def expand_dims(self, axis: int) -> Tensor:
        """A new axis of length 1 at `axis` of the result."""
        at = reductions.axis_of(self, axis, extra=1)
        return self.reshape((*self.shape[:at], 1, *self.shape[at:]))

    def squeeze(self, axes: Axes = None) -> Tensor:
        """Without `axes`, which must have length 1; by default without all axes of length 1."""
        ones = tuple(axis for axis, n in enumerate(self.shape) if n == 1)
        gone = ones if axes is None else reductions.axes_of(self, axes)
        if not set(gone) <= set(ones):
            raise ValueError(f"cannot squeeze axes {gone} of shape {self.shape}: not all are 1")
        return reductions.drop(self, gone)

    def transpose(self, *order: int | Sequence[int]) -> Tensor:
        """Axes in this order, reversed by default."""
        axes = indexing.flat_ints(order) or tuple(reversed(range(self.ndim)))
        to = tuple(reductions.axis_of(self, axis) for axis in axes)
        same = to == tuple(range(self.ndim))
        return self if same else self.apply("transpose", order=to)

    def swap_axes(self, first: int, second: int) -> Tensor:
        """Two axes exchanged."""
        order = list(range(self.ndim))
        a, b = (reductions.axis_of(self, axis) for axis in (first, second))
        order[a], order[b] = order[b], order[a]
        return self.transpose(order)

    def broadcast_to(self, *shape: int | Sequence[int]) -> Tensor:
        """Repeated to `shape` by NumPy's rule."""
        to = indexing.flat_ints(shape)
        return self if to == self.shape else self.apply("broadcast", shape=to)

    def flip(self, axes: Axes = None) -> Tensor:
        """Reversed along `axes` (all by default)."""
        over = reductions.axes_of(self, axes)
        return self.apply("flip", axes=over) if over else self

    def pad(
        self,
        before: Sequence[int],
        after: Sequence[int],
        *,
        interior: Sequence[int] | None = None,
        value: float = 0.0,
    ) -> Tensor:
        """Surrounded by `value`: widths before and after each axis, and between its elements."""
        between = (0,) * self.ndim if interior is None else interior
        names = ("before", "after", "interior")
        ends = [
            indexing.flat_ints([widths], f"pad {name}")
            for name, widths in zip(names, (before, after, between), strict=True)
        ]
        if ends == [(0,) * self.ndim] * 3:
            return self
        widths = dict(zip(names, ends, strict=True))
        return self.apply("pad", **widths, value=plain("pad value", value))

    def __getitem__(self, index: Any) -> Tensor:
        return indexing.getitem(self, index)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(
            "a tensor cannot be changed in place; build a new one, for example with "
            "where(mask, value, x), concatenate or scatter_add"
        )

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("a scalar tensor cannot be iterated over")
        return (self[i] for i in range(self.shape[0]))

    def take(self, index: Operand, axis: int = 0) -> Tensor:
        """Elements along `axis` at the positions that `index` names, from 0; outside reads 0."""
        positions = indexing.as_index(self, index)
        return self.apply("take", positions, axis=reductions.axis_of(self, axis))

    def scatter_add(self, index: Operand, length: int, axis: int = 0) -> Tensor:
        """Zeros of `length` along `axis`, each element added at the position that `index` names.

        index: integers of the shape of the axes of x from `axis` on; those outside are left out.
        """
        positions = indexing.as_index(self, index)
        at = reductions.axis_of(self, axis, extra=1 - positions.ndim)
        count = indexing.whole(length, "scatter_add length")
        return self.apply("scatter_add", positions, length=count, axis=at)


Gradients = Sequence[Tensor | None]
"""What the gradient rule of an op returns: a gradient for each input, None where it is constant."""


def binary(op: str, x: Operand, y: Operand) -> Tensor:
    """Apply an elementwise op of two operands after broadcasting and promotion."""
    a, b = operands(x, y)
    return a.apply(op, b)


def compare(op: str, x: Operand, y: Operand) -> Tensor:
    """As `binary`, for comparisons, which a number beyond an integer tensor's type does not stop."""
    return binary(op, _widened(x, y), _widened(y, x))


def _widened(x: Operand, other: Operand) -> Operand:
    """x as int64 where it holds smaller integers and the other is one that its type does not hold."""
    if not isinstance(other, int) or not isinstance(x, Tensor) or x.dtype.kind not in "iu":
        return x
    limits = np.iinfo(x.dtype)
    return x if limits.min <= other <= limits.max else x.cast(INT64)


def float_binary(op: str, x: Operand, y: Operand) -> Tensor:
    """As `binary`, for ops that return reals: integers become float32."""
    a, b = operands(x, y)
    dtype = float_of(a.dtype)
    return a.cast(dtype).apply(op, b.cast(dtype))
