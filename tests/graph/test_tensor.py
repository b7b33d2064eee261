"""A tensor among Python's and NumPy's values, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import graph as g
from pellucid.graph import Tensor


def test_as_a_python_number() -> None:
    x = g.variable([[2.5]])
    assert float(x) == x.item() == 2.5 and int(x) == 2 and bool(x) and not bool(x - 2.5)
    assert f"{x:.2f}" == "2.50" and f"{x.sum():>6.1f}|" == "   2.5|"
    assert f"{x.sum()}" == str(x.sum()) == "tensor(2.5, float32[])"
    assert isinstance(g.tensor(3).item(), int) and g.tensor(True).item() is True
    for use in (float, int, bool, Tensor.item, "{:.2f}".format):
        with pytest.raises(ValueError, match=r"a tensor of shape \(2,\) has 2 elements, not one"):
            use(g.ones((2,)))


def test_as_a_sequence() -> None:
    x = g.variable([[1.0, 2], [3, 4], [5, 6]])
    assert len(x) == 3 and [row.tolist() for row in x] == [[1, 2], [3, 4], [5, 6]]
    a, b, c = x
    assert (a + b + c).tolist() == [9, 12]
    assert 4.0 in list(x[1]) and 9.0 not in list(x[1])
    assert list(reversed(x[0].tolist())) == [2, 1]
    for use in (len, iter, list):
        with pytest.raises(TypeError, match="a scalar tensor"):
            use(g.tensor(1.0))


def test_as_an_array() -> None:
    x = g.variable([[1.0, 2], [3, 4]])
    np.testing.assert_array_equal(np.asarray(x), [[1, 2], [3, 4]])
    assert np.asarray(x, dtype=np.int64).dtype == np.int64 and np.asarray(x).dtype == np.float32
    assert np.exp(x).shape == (2, 2) and np.mean(np.asarray(x)) == 2.5
    with pytest.raises(ValueError, match="without a copy"):
        np.array(x, copy=False)
    assert (np.array([[1, 2], [3, 4]]) == x).all().item() is True
    assert x.T.tolist() == [[1, 3], [2, 4]] and x.ndim == 2 and x.size == 4


def test_equality_is_element_by_element() -> None:
    x, y = g.variable([1.0, 2]), g.variable([1.0, 3])
    assert (x == y).tolist() == [True, False] and (x != y).tolist() == [False, True]
    assert (x == 2).tolist() == [False, True]
    assert (x == [1, 2]).all().item() is True
    same: Any = x
    assert (same == None) is False and (same != "a") is True  # noqa: E711
    table = {x: "x", y: "y"}
    assert table[x] == "x" and table[y] == "y" and g.tensor([1.0, 2]) not in table
    assert x in {x} and hash(x) != hash(y)


def test_ordering_and_signs() -> None:
    x = g.variable([1.0, -2, 3])
    assert (x < 1).tolist() == (1 > x).tolist() == [False, True, False]
    assert (x <= 1).tolist() == (1 >= x).tolist() == [True, True, False]
    assert (x > 1).tolist() == (1 < x).tolist() == [False, False, True]
    assert (x >= 1).tolist() == (1 <= x).tolist() == [True, False, True]
    assert (+x).tolist() == [1, -2, 3] and (-x).tolist() == [-1, 2, -3]
    assert abs(x).tolist() == x.abs().tolist() == [1, 2, 3]
    assert x.clip(0).tolist() == [1, 0, 3] and x.clip(high=2).tolist() == [1, -2, 2]
    assert x.clip(-1, 1).tolist() == [1, -1, 1] and x.clip().tolist() == [1, -2, 3]
    assert g.minimum(x, 0).tolist() == [0, -2, 0] and g.maximum(0, x).tolist() == [1, 0, 3]


def test_powers() -> None:
    x = g.variable([4.0, 0.25])
    for power in (2, 2.0, 0.5, 3, -1, 0, 1):
        np.testing.assert_allclose((x**power).numpy(), np.array([4.0, 0.25]) ** power, rtol=1e-6)
    assert (2.0**x).numpy()[0] == 16 and (x**x).numpy()[0] == 256


def test_printing() -> None:
    assert repr(g.tensor([1.0, 2])) == "tensor([1., 2.], float32[2])"
    assert repr(g.zeros((0,))) == "tensor([], float32[0])"
    assert "..." in repr(g.zeros((1000,))) and len(repr(g.zeros((1000,)))) < 100
    assert repr(g.ones((2,)).node) == "broadcast:float32[2]"


def test_making() -> None:
    assert g.zeros(3).tolist() == [0, 0, 0] and g.ones((2, 1)).tolist() == [[1], [1]]
    assert g.full((2,), 7, np.int64).tolist() == [7, 7] and g.zeros(()).shape == ()
    assert g.zeros_like(g.ones((2, 3), "int32")).dtype == np.int32
    assert g.placeholder("x", 3).shape == (3,)
    lengths: Any = np.array([2, 3])
    assert all(type(n) is int for n in g.zeros(lengths).shape)
    x = g.ones((2, 3))
    assert x.broadcast_to(4, 2, 3).shape == x.broadcast_to((4, 2, 3)).shape == (4, 2, 3)
    assert g.concatenate([np.ones(2), [1.0]]).tolist() == [1, 1, 1]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.data())
def test_matmul_of_all_ranks(batch: list[int], data: st.DataObject) -> None:
    n, k, m = (data.draw(st.integers(0, 4)) for _ in range(3))
    left = [1 if data.draw(st.booleans()) else b for b in batch[data.draw(st.integers(0, 2)) :]]
    right = [1 if data.draw(st.booleans()) else b for b in batch[data.draw(st.integers(0, 2)) :]]
    rng = np.random.default_rng(0)
    a = rng.standard_normal((k,) if data.draw(st.booleans()) and not left else (*left, n, k))
    b = rng.standard_normal((k,) if data.draw(st.booleans()) and not right else (*right, k, m))
    expected = a @ b
    for found in (g.tensor(a) @ g.tensor(b), a @ g.tensor(b), g.tensor(a) @ b):
        assert isinstance(found, Tensor) and found.shape == np.shape(expected)
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-14)


X, V = g.zeros((2, 3)), g.zeros((4,))
REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: X + V, ValueError, r"shapes \(2, 3\) and \(4,\) do not broadcast"),
    (lambda: X.broadcast_to((3, 3)), ValueError, r"cannot broadcast float32\[2, 3\] to \(3, 3\)"),
    (lambda: g.ones((1,)).broadcast_to((-1,)), ValueError, r"at least 0, got \(-1,\)"),
    (lambda: X @ V, ValueError, r"shapes \(2, 3\) and \(4,\).*length 3, the axis of the second 4"),
    (lambda: V @ X, ValueError, r"shapes \(4,\) and \(2, 3\).*length 4, the one before last of"),
    (lambda: X @ X, ValueError, r"shapes \(2, 3\) and \(2, 3\)"),
    (lambda: g.zeros((5, 2, 3)) @ X, ValueError, r"shapes \(5, 2, 3\) and \(2, 3\)"),
    (lambda: X @ 2.0, ValueError, r"at least vectors, got float32\[2, 3\] and float32\[\]"),
    (lambda: g.zeros((2, 1, 3)) @ g.zeros((5, 3, 1)), ValueError, r"\(2,\) and \(5,\) do not"),
    (lambda: X.reshape(4, 2), ValueError, r"reshape float32\[2, 3\] to \(4, 2\)"),
    (lambda: X.reshape(4, -1), ValueError, r"cannot reshape \(2, 3\) to \(4, -1\): 6 elements"),
    (lambda: X.reshape(-1, -1), ValueError, "more than one length open"),
    (lambda: X.reshape(-2, -3), ValueError, "negative one"),
    (lambda: X.transpose(0, 0), ValueError, r"transpose float32\[2, 3\] to axes \(0, 0\)"),
    (lambda: X.transpose(0), ValueError, "each axis is named once"),
    (lambda: X.transpose(0, 2), ValueError, r"axis 2 does not exist .* \(2, 3\)"),
    (lambda: X.flip((0, 0)), ValueError, "name an axis twice"),
    (lambda: X.squeeze(0), ValueError, r"cannot squeeze axes \(0,\) of shape \(2, 3\)"),
    (lambda: X.expand_dims(3), ValueError, r"axis 3 does not exist"),
    (lambda: X.pad((1,), (0, 0)), ValueError, r"padding of float32\[2, 3\] names 2 widths"),
    (lambda: X.pad((1, -1), (0, 0)), ValueError, "widths are at least 0"),
    (lambda: g.arange(3).pad((1,), (0,), value=0.5), ValueError, "does not hold that value"),
    (lambda: g.concatenate([]), ValueError, "at least one tensor"),
    (lambda: g.stack([]), ValueError, "stack takes at least one tensor"),
    (lambda: g.stack([X, V]), ValueError, r"tensors of one shape, got \(2, 3\), \(4,\)"),
    (lambda: g.concatenate([X, V]), ValueError, r"float32\[2, 3\] and float32\[4\] along axis 0"),
    (lambda: g.concatenate([X, X], 2), ValueError, "axis 2 does not exist"),
    (lambda: g.concatenate([g.ones(()), g.ones(())]), ValueError, "axis 0 does not exist"),
    (lambda: X.take([0], 2), ValueError, "axis 2 does not exist"),
    (lambda: X.take([0.5]), TypeError, r"take takes an int32 or int64 index, got float32\[1\]"),
    (
        lambda: X.scatter_add([0], 3),
        ValueError,
        r"scatter_add of float32\[2, 3\] by index int64\[1\]",
    ),
    (lambda: X.scatter_add([0, 1], -1), TypeError, "length of at least 0"),
    (lambda: g.where(X, 1.0, 0.0), TypeError, "where takes a condition"),
    (lambda: X.cast("complex64"), TypeError, "a tensor cannot hold 'complex64'"),
    (lambda: g.iota((2, 3), 2), ValueError, r"iota counts along axis 2, but its shape \(2, 3\)"),
    (lambda: g.iota((2,), 0, bool), TypeError, "iota counts in numbers"),
    (lambda: g.placeholder("x", (-1,)), ValueError, "lengths of at least 0"),
    (lambda: g.placeholder("x", (1.5,)), TypeError, "float"),  # type: ignore[arg-type]
    (lambda: X.__setitem__(0, 1), TypeError, "cannot be changed in place; build a new one"),
    (lambda: g.tensor([[1], [1, 2]]), ValueError, "inhomogeneous"),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_refusals_say_what_was_wrong(number: int) -> None:
    act, error, text = REFUSED[number]
    with pytest.raises(error, match=text):
        act()


@pytest.mark.parametrize("op", ["exp", "log", "relu", "floor"])
def test_float_ops_name_what_they_got(op: str) -> None:
    with pytest.raises(TypeError, match=rf"{op} takes float tensors, got int64\[2\]"):
        g.apply(op, [g.arange(2).node])


@pytest.mark.parametrize("op", ["add", "div", "pow", "less", "maximum"])
def test_pair_ops_name_what_they_got(op: str) -> None:
    with pytest.raises(ValueError, match=rf"{op} takes operands of one shape, got .*\[2, 3\] and"):
        g.apply(op, [X.node, V.node])
    with pytest.raises(TypeError, match=rf"{op} takes operands of one type, got float32.*float64"):
        g.apply(op, [X.node, X.cast(np.float64).node])
