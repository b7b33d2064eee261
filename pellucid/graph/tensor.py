"""Tensor: the thin user-facing handle on a node.

Operators and methods build nodes; nothing is computed until `.numpy()`, `float()` or `print` ask
for it, and then with the state as it is at that moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.graph import indexing
from pellucid.graph.dtype import (
    BOOL,
    FLOAT32,
    INT64,
    DType,
    as_dtype,
    float_of,
    is_float,
    promote,
)
from pellucid.graph.node import Literal, Node, apply
from pellucid.graph.op import Array, Shape

Number = bool | int | float
Axes = int | Sequence[int] | None


def tensor(value: Any, dtype: Any = None) -> Tensor:
    """A constant tensor from a number, nested lists or an array.

    Python floats become float32 and Python ints int64; arrays keep their type (see `dtype`).
    """
    if isinstance(value, Tensor):
        return value if dtype is None else value.cast(dtype)
    array = np.asarray(value)
    if dtype is not None:
        array = array.astype(as_dtype(dtype))
    elif not isinstance(value, (np.ndarray, np.generic)) and array.dtype == np.float64:
        array = array.astype(FLOAT32)
    else:
        array = array.astype(as_dtype(array.dtype))
    return Tensor(apply("constant", value=Literal(array)))


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The common shape by NumPy's rule; raises ValueError naming the shapes."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"shapes {' and '.join(map(str, shapes))} do not broadcast") from None


def operands(*values: Tensor | Number | Array) -> list[Tensor]:
    """The values as tensors of one shape and one type; Python numbers are weak."""
    tensors = [v for v in values if isinstance(v, Tensor)]
    arrays = [tensor(v) for v in values if isinstance(v, (np.ndarray, np.generic))]
    dtype = promote(*(t.dtype for t in [*tensors, *arrays])) if tensors or arrays else FLOAT32
    if any(isinstance(v, float) for v in values):
        dtype = float_of(dtype)
    elif dtype == BOOL and any(isinstance(v, int) and not isinstance(v, bool) for v in values):
        dtype = INT64
    same = [tensor(v, dtype) for v in values]
    shape = broadcast_shapes(*(t.shape for t in same))
    return [t.broadcast_to(shape) for t in same]


class Tensor:
    """A value of a graph: an array of a known shape and type, computed when asked for."""

    __slots__ = ("node",)
    __array_priority__ = 100  # NumPy arrays defer to the reflected operators below

    def __init__(self, node: Node) -> None:
        self.node = node

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

    @property
    def T(self) -> Tensor:
        """All axes reversed."""
        return self.transpose()

    # -- evaluation ---------------------------------------------------------------------------

    def numpy(self) -> Array:
        """The value now, as a NumPy array of its own."""
        from pellucid.graph.execute import evaluate

        return evaluate([self.node])[0]

    def item(self) -> float | int | bool:
        """The value of a tensor of one element, as a Python number."""
        if self.size != 1:
            raise ValueError(f"a tensor of shape {self.shape} has {self.size} elements, not one")
        value: float | int | bool = self.numpy().reshape(()).item()
        return value

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

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a scalar tensor has no length")
        return self.shape[0]

    # -- arithmetic ---------------------------------------------------------------------------

    def _unary(self, op: str) -> Tensor:
        return Tensor(apply(op, [self.node]))

    def _real(self, op: str) -> Tensor:
        return self.cast(float_of(self.dtype))._unary(op)

    def __add__(self, other: Tensor | Number | Array) -> Tensor:
        return binary("add", self, other)

    def __radd__(self, other: Number | Array) -> Tensor:
        return binary("add", other, self)

    def __sub__(self, other: Tensor | Number | Array) -> Tensor:
        return binary("sub", self, other)

    def __rsub__(self, other: Number | Array) -> Tensor:
        return binary("sub", other, self)

    def __mul__(self, other: Tensor | Number | Array) -> Tensor:
        return binary("mul", self, other)

    def __rmul__(self, other: Number | Array) -> Tensor:
        return binary("mul", other, self)

    def __truediv__(self, other: Tensor | Number | Array) -> Tensor:
        return float_binary("div", self, other)

    def __rtruediv__(self, other: Number | Array) -> Tensor:
        return float_binary("div", other, self)

    def __pow__(self, power: Tensor | Number | Array) -> Tensor:
        if isinstance(power, (int, float)) and power == 2:
            return self.square()
        if isinstance(power, (int, float)) and power == 0.5:
            return self.sqrt()
        return float_binary("pow", self, power)

    def __rpow__(self, base: Number | Array) -> Tensor:
        return float_binary("pow", base, self)

    def __neg__(self) -> Tensor:
        return self._unary("neg")

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return self._unary("abs")

    def __matmul__(self, other: Tensor | Array) -> Tensor:
        return matmul(self, tensor(other))

    def __rmatmul__(self, other: Array) -> Tensor:
        return matmul(tensor(other), self)

    def abs(self) -> Tensor:
        """|x|; the gradient at 0 is 0."""
        return self._unary("abs")

    def sign(self) -> Tensor:
        """−1, 0 or 1."""
        return self._unary("sign")

    def square(self) -> Tensor:
        """x²."""
        return self._unary("square")

    def exp(self) -> Tensor:
        """e^x."""
        return self._real("exp")

    def log(self) -> Tensor:
        """Natural logarithm."""
        return self._real("log")

    def log1p(self) -> Tensor:
        """log(1 + x), exact near 0."""
        return self._real("log1p")

    def expm1(self) -> Tensor:
        """e^x − 1, exact near 0."""
        return self._real("expm1")

    def sqrt(self) -> Tensor:
        """√x."""
        return self._real("sqrt")

    def rsqrt(self) -> Tensor:
        """1/√x."""
        return self._real("rsqrt")

    def sin(self) -> Tensor:
        """Sine of x radians."""
        return self._real("sin")

    def cos(self) -> Tensor:
        """Cosine of x radians."""
        return self._real("cos")

    def tanh(self) -> Tensor:
        """Hyperbolic tangent: 2σ(2x) − 1."""
        return self._real("tanh")

    def sigmoid(self) -> Tensor:
        """σ(x) = 1 / (1 + e^−x)."""
        return self._real("sigmoid")

    def relu(self) -> Tensor:
        """max(0, x); the gradient at 0 is 0."""
        return self._real("relu")

    def erf(self) -> Tensor:
        """The error function 2/√π ∫₀ˣ e^−t² dt."""
        return self._real("erf")

    def floor(self) -> Tensor:
        """The largest integer not above x; constant, so its gradient is 0."""
        return self._real("floor")

    def maximum(self, other: Tensor | Number | Array) -> Tensor:
        """The larger of two; equal operands share the gradient."""
        return binary("maximum", self, other)

    def minimum(self, other: Tensor | Number | Array) -> Tensor:
        """The smaller of two; equal operands share the gradient."""
        return binary("minimum", self, other)

    def clip(self, low: Number | None = None, high: Number | None = None) -> Tensor:
        """x limited to [low, high]."""
        above = self if low is None else self.maximum(low)
        return above if high is None else above.minimum(high)

    # -- comparison and choice ----------------------------------------------------------------
    # == keeps Python's meaning (the same tensor object or not), so that tensors can be dict keys.

    def equal(self, other: Tensor | Number | Array) -> Tensor:
        """Where x = y, as bool."""
        return binary("equal", self, other)

    def not_equal(self, other: Tensor | Number | Array) -> Tensor:
        """Where x ≠ y, as bool."""
        return binary("not_equal", self, other)

    def __lt__(self, other: Any) -> Tensor:
        return binary("less", self, other)

    def __le__(self, other: Any) -> Tensor:
        return binary("less_equal", self, other)

    def __gt__(self, other: Any) -> Tensor:
        return binary("less", other, self)

    def __ge__(self, other: Any) -> Tensor:
        return binary("less_equal", other, self)

    def __and__(self, other: Tensor | bool | Array) -> Tensor:
        return binary("logical_and", self, other)

    def __or__(self, other: Tensor | bool | Array) -> Tensor:
        return binary("logical_or", self, other)

    def __invert__(self) -> Tensor:
        return self._unary("logical_not")

    def where(self, x: Tensor | Number | Array, y: Tensor | Number | Array) -> Tensor:
        """x where this condition holds, y elsewhere."""
        x, y = operands(x, y)
        shape = broadcast_shapes(self.shape, x.shape)
        chosen = [part.broadcast_to(shape).node for part in (self, x, y)]
        return Tensor(apply("where", chosen))

    def cast(self, dtype: Any) -> Tensor:
        """The same values in another type; floats are cut towards 0 when they become integers."""
        to = as_dtype(dtype)
        return self if to == self.dtype else Tensor(apply("cast", [self.node], dtype=to))

    def stop_gradient(self) -> Tensor:
        """The same value, taken as constant by `grad`."""
        return self._unary("stop_gradient")

    # -- reductions ---------------------------------------------------------------------------

    def _axes(self, axes: Axes) -> tuple[int, ...]:
        given = range(self.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
        return tuple(sorted({self._axis(axis) for axis in given}))

    def _axis(self, axis: int) -> int:
        if not -self.ndim <= axis < self.ndim:
            raise ValueError(f"axis {axis} does not exist in a tensor of shape {self.shape}")
        return axis % self.ndim

    def _reduce(self, op: str, axes: Axes, keepdims: bool) -> Tensor:
        over = self._axes(axes)
        source = self.cast(INT64) if self.dtype == BOOL else self
        result = Tensor(apply(op, [source.node], axes=over)) if over else source
        return result if keepdims else result._drop(over)

    def _drop(self, axes: tuple[int, ...]) -> Tensor:
        return self.reshape(tuple(n for a, n in enumerate(self.shape) if a not in axes))

    def sum(self, axes: Axes = None, keepdims: bool = False) -> Tensor:
        """Σ over `axes` (all by default); conditions are counted."""
        return self._reduce("sum", axes, keepdims)

    def mean(self, axes: Axes = None, keepdims: bool = False) -> Tensor:
        """The mean over `axes` (all by default), as a float."""
        total = self.cast(float_of(self.dtype)).sum(axes, keepdims)
        count = int(np.prod([self.shape[axis] for axis in self._axes(axes)], dtype=np.int64))
        return total * (1.0 / count) if count else total * float("nan")

    def max(self, axes: Axes = None, keepdims: bool = False) -> Tensor:
        """The largest over `axes`; equal ones share the gradient, as in torch.amax."""
        return self._reduce("max", axes, keepdims)

    def min(self, axes: Axes = None, keepdims: bool = False) -> Tensor:
        """The smallest over `axes`; equal ones share the gradient."""
        return -(-self).max(axes, keepdims)

    def argmax(self, axis: int = -1, keepdims: bool = False) -> Tensor:
        """Where along `axis` the (first) largest element is, as int32."""
        over = self._axis(axis)
        result = Tensor(apply("argmax", [self.node], axis=over))
        return result if keepdims else result._drop((over,))

    # -- movement -----------------------------------------------------------------------------

    def reshape(self, *shape: int | Sequence[int]) -> Tensor:
        """The elements in the same order, in another shape; one length may be −1."""
        to = indexing.full_shape(self.size, indexing.flat_ints(shape))
        return self if to == self.shape else Tensor(apply("reshape", [self.node], shape=to))

    def transpose(self, *order: int | Sequence[int]) -> Tensor:
        """Axes in the given order, reversed by default."""
        to = tuple(self._axis(axis) for axis in indexing.flat_ints(order))
        to = to or tuple(reversed(range(self.ndim)))
        same = to == tuple(range(self.ndim))
        return self if same else Tensor(apply("transpose", [self.node], order=to))

    def swap_axes(self, first: int, second: int) -> Tensor:
        """Two axes exchanged."""
        order = list(range(self.ndim))
        a, b = self._axis(first), self._axis(second)
        order[a], order[b] = order[b], order[a]
        return self.transpose(order)

    def broadcast_to(self, shape: Sequence[int]) -> Tensor:
        """Repeated to `shape` by NumPy's rule."""
        to = tuple(shape)
        return self if to == self.shape else Tensor(apply("broadcast", [self.node], shape=to))

    def expand_dims(self, axis: int) -> Tensor:
        """A new axis of length 1 at `axis` of the result."""
        at = axis % (self.ndim + 1)
        return self.reshape((*self.shape[:at], 1, *self.shape[at:]))

    def flip(self, axes: Axes = None) -> Tensor:
        """Reversed along `axes` (all by default)."""
        over = self._axes(axes)
        return Tensor(apply("flip", [self.node], axes=over)) if over else self

    def pad(
        self,
        before: Sequence[int],
        after: Sequence[int],
        *,
        interior: Sequence[int] | None = None,
        value: float = 0.0,
    ) -> Tensor:
        """Surrounded by `value`: widths before and after each axis, and between its elements."""
        inner = tuple(interior) if interior is not None else (0,) * self.ndim
        if not any((*before, *after, *inner)):
            return self
        widths = {"before": tuple(before), "after": tuple(after), "interior": inner}
        return Tensor(apply("pad", [self.node], **widths, value=float(value)))

    def __getitem__(self, index: Any) -> Tensor:
        return indexing.getitem(self, index)

    def take(self, index: Tensor | Array, axis: int = 0) -> Tensor:
        """Elements along `axis` at the places that the integer tensor `index` names."""
        where = tensor(index)
        return Tensor(apply("take", [self.node, where.node], axis=self._axis(axis)))

    def scatter_add(self, index: Tensor | Array, length: int, axis: int = 0) -> Tensor:
        """Zeros of `length` along `axis`, with each element added at the place `index` names."""
        at = {"length": length, "axis": axis}
        return Tensor(apply("scatter_add", [self.node, tensor(index).node], **at))


def binary(op: str, x: Tensor | Number | Array, y: Tensor | Number | Array) -> Tensor:
    """Apply an elementwise op of two operands after broadcasting and promotion."""
    a, b = operands(x, y)
    return Tensor(apply(op, [a.node, b.node]))


def float_binary(op: str, x: Tensor | Number | Array, y: Tensor | Number | Array) -> Tensor:
    """As `binary`, for ops that return reals: integers become float32."""
    a, b = operands(x, y)
    dtype = float_of(a.dtype)
    return Tensor(apply(op, [a.cast(dtype).node, b.cast(dtype).node]))


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """The matrix product over the last axis of `a` and the one before last of `b`, as in NumPy.

    Batch axes broadcast; a vector is a row on the left and a column on the right.
    """
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"matmul takes at least vectors, got {a.node.type} and {b.node.type}")
    dtype = float_of(promote(a.dtype, b.dtype))
    a, b = a.cast(dtype), b.cast(dtype)
    if a.ndim == 1:
        row = matmul(a.reshape(1, a.size), b)
        return row.reshape((*row.shape[:-2], row.shape[-1]))
    if b.ndim == 1:
        column = matmul(a, b.reshape(b.size, 1))
        return column.reshape(column.shape[:-1])
    if b.ndim == 2 and a.ndim > 2 and a.shape[-1] == b.shape[0]:
        # One tall product instead of a batch of small ones with a shared right-hand side.
        rows = a.reshape(-1, a.shape[-1]) if a.size else a.reshape(0, a.shape[-1])
        return Tensor(apply("matmul", [rows.node, b.node])).reshape((*a.shape[:-1], b.shape[-1]))
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = a.broadcast_to((*batch, *a.shape[-2:]))
    b = b.broadcast_to((*batch, *b.shape[-2:]))
    return Tensor(apply("matmul", [a.node, b.node]))


def require_float(name: str, value: Tensor) -> None:
    """Raise TypeError unless `value` is a float tensor."""
    if not is_float(value.dtype):
        raise TypeError(f"{name} takes a float tensor, got {value.node.type}")
