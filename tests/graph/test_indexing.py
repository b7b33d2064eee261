"""Indexing and movement as NumPy does them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pellucid import graph as g
from pellucid.graph import Array, Tensor

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def counted(shape: tuple[int, ...]) -> Array:
    """Every element different."""
    return np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)


def same(found: Tensor, expected: Any) -> None:
    wanted = np.asarray(expected)
    assert found.shape == wanted.shape
    np.testing.assert_array_equal(found.numpy(), wanted)


@st.composite
def advanced_indices(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[Any, ...], list[bool]]:
    """(shape, index, which items are handed over as tensors), with one or more arrays."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
    lengths = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3))
    items: list[Any] = []
    for n in shape:
        kind = draw(st.sampled_from(["array", "integer", "slice", "slice", "full"]))
        if kind == "array":
            own = lengths[draw(st.integers(0, len(lengths))) :]
            own = tuple(1 if draw(st.booleans()) else m for m in own)
            items.append(draw(hnp.arrays(np.int64, own, elements=st.integers(-n, n - 1))))
        elif kind == "integer":
            items.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            items.append(draw(st.slices(n)))
        else:
            items.append(slice(None))
    cut = draw(st.integers(0, len(items)))
    if draw(st.booleans()):
        items = items[:cut]
    if draw(st.booleans()):
        items.insert(draw(st.integers(0, len(items))), None)
    if draw(st.booleans()) and cut:
        at = draw(st.integers(0, len(items)))
        items = [*items[:at], Ellipsis, *items[at:]]
    return shape, tuple(items), [draw(st.booleans()) for _ in items]


@given(st.data(), SHAPES)
def test_basic_index(data: st.DataObject, shape: tuple[int, ...]) -> None:
    index = data.draw(hnp.basic_indices(shape, max_dims=6, allow_newaxis=True))
    x = counted(shape)
    same(g.tensor(x)[index], x[index])


@given(advanced_indices())
def test_integer_arrays(drawn: tuple[tuple[int, ...], tuple[Any, ...], list[bool]]) -> None:
    shape, index, as_tensor = drawn
    x = counted(shape)
    given_index = tuple(
        g.variable(item) if isinstance(item, np.ndarray) and chosen else item
        for item, chosen in zip(index, as_tensor, strict=True)
    )
    same(g.tensor(x)[given_index], x[index])


@given(advanced_indices())
def test_gradient_of_an_index(drawn: tuple[tuple[int, ...], tuple[Any, ...], list[bool]]) -> None:
    shape, index, _ = drawn
    x = g.variable(counted(shape))
    y = x[index]
    weights = counted(y.shape) + 1
    expected = np.zeros(shape, np.float32)
    np.add.at(expected, index, weights)
    same(g.grad((y * weights).sum(), x), expected)


@given(st.data(), SHAPES)
def test_broadcast(data: st.DataObject, shape: tuple[int, ...]) -> None:
    found = data.draw(
        hnp.mutually_broadcastable_shapes(num_shapes=2, base_shape=shape, min_side=0, max_dims=4)
    )
    a, b = (counted(each) for each in found.input_shapes)
    same(g.tensor(a) + g.tensor(b), a + b)
    same(g.tensor(a) - b, a - b)
    same(g.tensor(a).broadcast_to(found.result_shape), np.broadcast_to(a, found.result_shape))
    x, y = g.variable(a), g.variable(b)
    common = np.prod((a + b).shape, dtype=int)
    for w, value in zip(g.grad((x + 2 * y).sum(), [x, y]), (1, 2), strict=True):
        repeats = common / max(np.prod(w.shape, dtype=int), 1)
        same(w, np.full(w.shape, value * repeats, np.float32))


@given(SHAPES, SHAPES)
def test_shapes_that_do_not_broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(ValueError, match=re.escape(f"shapes {a} and {b} do not broadcast")):
            g.zeros(a) * g.zeros(b)


@given(st.data(), SHAPES)
def test_movement(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x, own = counted(shape), g.tensor(counted(shape))
    order = data.draw(st.permutations(range(len(shape))))
    if order:
        same(own.transpose(order), x.transpose(order))
        axes = tuple(data.draw(st.sets(st.sampled_from(order))))
        same(own.flip(axes), np.flip(x, axes))
        same(own.swap_axes(order[0], -1), x.swapaxes(order[0], -1))
    same(own.T, x.T)
    same(own.flatten(), x.flatten())
    same(own.squeeze(), x.squeeze())
    at = data.draw(st.integers(-len(shape) - 1, len(shape)))
    same(own.expand_dims(at), np.expand_dims(x, at))
    same(own.expand_dims(at).squeeze(at), x)
    same(g.stack([own, own * 2], at), np.stack([x, x * 2], at))
    if order:
        axis = data.draw(st.integers(-len(shape), len(shape) - 1))
        same(g.concatenate([own, own, own], axis), np.concatenate([x, x, x], axis))


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4))
def test_pad(data: st.DataObject, shape: tuple[int, ...]) -> None:
    widths = st.lists(st.integers(0, 3), min_size=len(shape), max_size=len(shape))
    before, after, between = (data.draw(widths) for _ in range(3))
    value = data.draw(st.sampled_from([0.0, -1.5, float("inf")]))
    x = counted(shape)
    inner = x
    for axis, gap in enumerate(between):
        places = np.repeat(np.arange(1, inner.shape[axis]), gap)
        inner = np.insert(inner, places, value, axis)
    expected = np.pad(inner, list(zip(before, after, strict=True)), constant_values=value)
    same(g.tensor(x).pad(before, after, interior=between, value=value), expected)


@given(SHAPES, st.data())
def test_reshape(shape: tuple[int, ...], data: st.DataObject) -> None:
    x = counted(shape)
    same(g.tensor(x).reshape(shape[::-1]), x.reshape(shape[::-1]))
    if x.size:
        same(g.tensor(x).reshape(-1), x.reshape(-1))
        same(g.tensor(x).reshape(*shape, -1), x.reshape(*shape, -1))


def test_places_outside() -> None:
    x = g.tensor([[1.0, 2], [3, 4], [5, 6]])
    with pytest.raises(IndexError, match=r"index 3 is outside axis 0 .*\(3, 2\)"):
        x[3]
    with pytest.raises(IndexError, match="index -4 is outside axis 0"):
        x[[0, -4]]
    with pytest.raises(IndexError, match="index 2 is outside axis 1"):
        x[[0, 1], [0, 2]]
    computed = g.variable(np.array([0, 7, -1, -9]))
    assert x[computed, 0].tolist() == [1, 0, 5, 0]
    assert x[0, computed].tolist() == [1, 0, 2, 0]
    assert x[computed, g.variable(np.array([0, 0, 5, 1]))].tolist() == [1, 0, 0, 0]
    assert x.take(g.variable(np.array(7)), 1).tolist() == [0, 0, 0]
    assert x.take([]).shape == (0, 2) and x[[]].shape == (0, 2)
    assert g.zeros((0, 2)).take([0, 1]).tolist() == [[0, 0], [0, 0]]
    assert x.scatter_add([1, 9, 1], 3).tolist() == [[0, 0], [6, 8], [0, 0]]


def test_index_by_uint8_and_by_scalar_tensors() -> None:
    x = np.arange(300.0)
    places = np.array([255, 0, 7], np.uint8)
    assert g.tensor(x)[g.variable(places)].tolist() == [255, 0, 7]
    assert g.tensor(x)[g.variable(np.array(-1))].item() == 299
    assert g.tensor(x)[places].tolist() == [255, 0, 7]


def test_scatter_by_a_scalar_and_by_several_axes() -> None:
    x = g.variable(np.arange(6.0).reshape(2, 3))
    assert x.scatter_add(np.array(1), 2, 2).tolist() == [
        [[0, a] for a in row] for row in x.tolist()
    ]
    assert x.scatter_add(np.array(1), 2, -1).tolist() == x.scatter_add(np.array(1), 2, 2).tolist()
    assert x.scatter_add(np.array([[0, 1, 1], [0, 0, 0]]), 2).tolist() == [12, 3]
    assert x.scatter_add([0, 0, 1], 2, -1).tolist() == [[1, 2], [7, 5]]
    taken = x.take(np.array(2), 1)
    assert g.grad(taken.square().sum(), x).tolist() == [[0, 0, 4], [0, 0, 10]]


@pytest.mark.parametrize(
    ("index", "text"),
    [
        ((0, 0, 0), r"3 indices for a tensor of shape \(2, 3\)"),
        ((..., ...), "at most one Ellipsis"),
        ("a", "indexed by integers, slices, None, Ellipsis and integer arrays, not 'a'"),
        (1.0, "not 1.0"),
        (True, "not True"),
        (np.array([True, False]), "boolean mask"),
        ([True, False], "boolean mask"),
        ([0.5], "an index holds integers"),
    ],
)
def test_what_does_not_index(index: Any, text: str) -> None:
    with pytest.raises(IndexError, match=text):
        g.zeros((2, 3))[index]


def test_a_subclass_of_tensor_is_indexed_as_a_tensor() -> None:
    class Named(Tensor):
        def __init__(self, value: float) -> None:
            super().__init__(g.variable([value, 2 * value]).node)

    assert Named(3.0)[1:].tolist() == [6] and Named(3.0)[[1, 0]].tolist() == [6, 3]
