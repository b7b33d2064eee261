"""The algebra of indices against NumPy's integers, at every point of a small domain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from pellucid import graph as g
from pellucid.compile.plan.index import (
    Axis,
    Guard,
    Index,
    Indices,
    Lookup,
    Quotient,
    Remainder,
    identity,
    lane_stride,
    linear_position,
    periods,
    source_indices,
    unravelled,
)
from pellucid.compile.plan.loop_axes import merge_axes
from pellucid.graph import Array, Shape, Tensor

SHAPE = (4, 1, 6, 8)
HERE = identity(SHAPE)
TABLE = np.random.default_rng(0).integers(-3, 9, (6, 8))
LOOKED_UP = g.tensor(TABLE).node


def values(index: Index, shape: Shape = SHAPE) -> Array:
    """The values of an index at every point of a domain, by its definition."""
    grid = np.indices(shape)
    total = np.full(shape, index.constant)
    for atom, factor in index.terms:
        if isinstance(atom, Axis):
            assert atom.extent == shape[atom.number]
            term = grid[atom.number]
        elif isinstance(atom, Quotient):
            term = values(atom.index, shape) // atom.divisor
        elif isinstance(atom, Remainder):
            term = values(atom.index, shape) % atom.divisor
        else:
            numbers = atom.node.attrs["value"].array
            at = tuple(values(position, shape) for position in atom.indices)
            term = np.clip(numbers[at], 0, atom.bound - 1)
        total = total + factor * term
    return np.asarray(total)


def _leaf() -> some.SearchStrategy[Index]:
    lookup = Index(0, ((Lookup(LOOKED_UP, HERE[2:], 7), 1),))
    return some.sampled_from([*HERE, lookup]) | some.integers(0, 20).map(Index)


@some.composite
def indices(draw: some.DrawFn, depth: int = 4) -> Index:
    """An index that is never negative, made by the operations of the algebra."""
    if not depth:
        return draw(_leaf())
    operation = draw(some.sampled_from(["leaf", "plus", "times", "quotient", "remainder", "back"]))
    if operation == "leaf":
        return draw(_leaf())
    inner = draw(indices(depth - 1))
    if operation == "plus":
        return inner.plus(draw(indices(depth - 1)))
    if operation == "times":
        return inner.times(draw(some.integers(0, 9)))
    if operation == "back":
        return inner.times(-1).plus(inner.bounds()[1])
    divisor = draw(some.sampled_from([1, 2, 3, 4, 5, 6, 8, 16, 24]))
    return inner.quotient(divisor) if operation == "quotient" else inner.remainder(divisor)


@given(indices(), indices(), some.integers(-9, 9), some.integers(1, 30))
def test_arithmetic(x: Index, y: Index, factor: int, divisor: int) -> None:
    a, b = values(x), values(y)
    np.testing.assert_array_equal(values(x.plus(y)), a + b)
    np.testing.assert_array_equal(values(x.plus(factor)), a + factor)
    np.testing.assert_array_equal(values(x.times(factor)), a * factor)
    np.testing.assert_array_equal(values(x.quotient(divisor)), a // divisor)
    np.testing.assert_array_equal(values(x.remainder(divisor)), a % divisor)
    np.testing.assert_array_equal(values(x.recombined()), a)
    whole = x.quotient(divisor).times(divisor).plus(x.remainder(divisor))
    np.testing.assert_array_equal(values(whole.recombined()), a)
    assert x.plus(x.times(-1)) == Index()


@given(indices())
def test_bounds(x: Index) -> None:
    numbers = values(x)
    low, high = x.bounds()
    assert low <= numbers.min() and numbers.max() <= high
    if x.is_affine and len({a for a, _ in x.terms}) == len(x.terms):
        assert (low, high) == (numbers.min(), numbers.max())


@given(indices())
def test_axes_and_factors(x: Index) -> None:
    numbers = values(x)
    for axis, extent in enumerate(SHAPE):
        steps = np.diff(numbers, axis=axis)
        if axis not in x.axes():
            assert not steps.any()
        factor = x.factor(axis)
        if factor is not None:
            assert extent == 1 or (steps == factor).all()
        assert periods(x, axis) or factor is not None or _looked_up(x, axis)


def _looked_up(index: Index, axis: int) -> bool:
    return any(isinstance(atom, Lookup) and axis in index.axes() for atom, _ in index.terms)


@given(indices(), some.sampled_from([2, 4, 8]))
def test_steps_from_lane_to_lane(x: Index, lanes: int) -> None:
    """Of whole vectors along the last axis that begin at multiples of their length."""
    step = lane_stride(x, 3, lanes)
    if step is None:
        return
    rows = values(x).reshape(*SHAPE[:3], -1, lanes)
    assert (np.diff(rows, axis=-1) == step).all()


@given(some.lists(some.integers(1, 5), max_size=4).map(tuple), some.data())
def test_positions(shape: Shape, data: some.DataObject) -> None:
    position = np.arange(int(np.prod(shape))).reshape(shape)
    np.testing.assert_array_equal(values(linear_position(identity(shape), shape), shape), position)
    assert [
        values(i, shape).tolist()
        for i in unravelled(linear_position(identity(shape), shape), shape)
    ] == [grid.tolist() for grid in np.indices(shape)]
    low, high, step = (data.draw(some.integers(0, 20)) for _ in range(3))
    guard = Guard(linear_position(identity(shape), shape), low, high, step + 1)
    holds = (position >= low) & (position < high) & ((position - low) % (step + 1) == 0)
    assert not guard.always() or holds.all()
    assert not guard.never() or not holds.any()
    settled = guard.settled()
    at = values(settled.index, shape)
    same = (at >= settled.low) & (at < settled.high) & ((at - settled.low) % settled.step == 0)
    np.testing.assert_array_equal(same, holds)


@given(indices(), some.sampled_from([(0, 2), (2, 3), (3, 4), (3, 8)]), some.integers(0, 7))
def test_positions_of_jammed_iterations(x: Index, loop: tuple[int, int], number: int) -> None:
    """An axis jammed by `count` takes length / count iterations, each of `count` positions."""
    axis, count = loop
    number %= count
    iterations = SHAPE[axis] // count
    shape = tuple(iterations if a == axis else n for a, n in enumerate(SHAPE))
    here = Index(number, ((Axis(axis, iterations), count),) if iterations > 1 else ())
    cut = tuple(slice(number, None, count) if a == axis else slice(None) for a in range(4))
    if not _looked_up(x, axis):
        np.testing.assert_array_equal(values(x.substituted({axis: here}), shape), values(x)[cut])


# -- movement ---------------------------------------------------------------------------------------


def _factors(draw: some.DrawFn, size: int) -> Shape:
    shape: list[int] = []
    for _ in range(draw(some.integers(0, 3))):
        fitting = [n for n in range(1, size + 1) if size % n == 0]
        shape.append(draw(some.sampled_from(fitting)))
        size //= shape[-1]
    return (*shape, size)


def _move(draw: some.DrawFn, x: Tensor) -> Tensor:
    names = ["reshape", "transpose", "broadcast", "slice", "flip", "pad", "windows"]
    name = draw(some.sampled_from(names))
    if name == "reshape" or not x.ndim:
        return x.reshape(*_factors(draw, x.size))
    if name == "transpose":
        return x.transpose(*draw(some.permutations(range(x.ndim))))
    if name == "broadcast":
        return x.broadcast_to((draw(some.integers(1, 3)), *x.shape))
    if name == "flip":
        return x.flip((draw(some.integers(0, x.ndim - 1)),))
    axis = draw(some.integers(0, x.ndim - 1))
    small = [draw(some.integers(0, 2)) for _ in range(3)]
    if name == "pad":
        widths = [[n if a == axis else 0 for a in range(x.ndim)] for n in small]
        return x.pad(widths[0], widths[1], interior=widths[2], value=-1)
    if name == "windows":
        reach = 1 + small[0] * (1 + small[2])
        return (
            g.windows(x, 1 + small[0], 1 + small[1], 1 + small[2], axis)
            if (reach <= x.shape[axis])
            else x
        )
    start = min(small[0], x.shape[axis] - 1)
    cut = [slice(None)] * x.ndim
    cut[axis] = slice(start, None, 1 + small[1])
    return x[tuple(cut)]


@some.composite
def chains(draw: some.DrawFn) -> Tensor:
    """Movement of movement of … a constant whose elements are their own positions."""
    shape = draw(some.lists(some.integers(1, 5), max_size=3))
    x = g.tensor(np.arange(int(np.prod(shape))).reshape(shape))
    for _ in range(draw(some.integers(1, 5))):
        made = _move(draw, x)
        x = made if made.size <= 400 else x
    return x


@given(chains())
def test_movement(x: Tensor) -> None:
    """The element that an index finds is the one that NumPy puts there."""
    node, at = x.node, identity(x.shape)
    inside = np.full(x.shape, True)
    while node.inputs:
        at, guards = source_indices(node, at)
        for guard in guards:
            position = values(guard.index, x.shape)
            far = (position - guard.low) % guard.step == 0
            inside &= (guard.low <= position) & (position < guard.high) & far
        node = node.inputs[0]
    wanted = x.numpy()
    position = values(linear_position(at, node.shape), x.shape)
    np.testing.assert_array_equal(inside, wanted >= 0)
    np.testing.assert_array_equal(position[inside], wanted[inside])


# -- loops ------------------------------------------------------------------------------------------


def _merged_positions(
    shape: Shape, axes: Sequence[int], position: Index, positions: Sequence[Index], fixed: set[int]
) -> list[int]:
    loops = merge_axes(shape, axes, positions, fixed)
    assert [axis for loop in loops for axis in loop.axes] == [a for a in axes if shape[a] != 1]
    numbers = []
    for turn in np.ndindex(*(loop.extent for loop in loops)):
        at = dict(zip((loop.last for loop in loops), turn, strict=True))
        total = position.constant
        for atom, factor in position.terms:
            assert isinstance(atom, Axis)
            total += factor * at.get(atom.number, 0)
        numbers.append(total)
    return numbers


@given(
    some.lists(some.integers(1, 4), min_size=1, max_size=4).map(tuple),
    some.lists(some.permutations(range(4)), max_size=2),
    some.sets(some.integers(0, 3), max_size=2),
)
def test_merged_loops(shape: Shape, orders: list[list[int]], fixed: set[int]) -> None:
    """Fewer loops go through the same positions in the same order, for every buffer."""
    here = identity(shape)
    positions = [linear_position(here, shape)]
    for order in orders:
        kept = [axis for axis in order if axis < len(shape)]
        turned: Indices = tuple(here[axis] for axis in kept)
        positions.append(linear_position(turned, tuple(shape[axis] for axis in kept)))
    axes = range(len(shape))
    for position in positions:
        wanted = values(position, shape).reshape(-1).tolist()
        assert _merged_positions(shape, axes, position, positions, fixed) == wanted
    loops = merge_axes(shape, axes, positions, fixed)
    assert all(len(loop.axes) == 1 for loop in loops if set(loop.axes) & fixed)
    if not orders and not fixed:
        assert len(loops) == (np.prod(shape) > 1)
