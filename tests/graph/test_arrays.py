"""What users give as values becomes a tensor exactly, or is refused: nothing wraps or is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import graph as g
from pellucid.errors import OutOfRangeError, PellucidError
from pellucid.graph import Array


class Sparse:
    """As scipy.sparse has it."""

    def toarray(self) -> Array:
        return np.zeros(1)

    def tocoo(self) -> Sparse:
        return self


REFUSED: list[tuple[Any, type[Exception], str]] = [
    (
        np.array([2**63], np.uint64),
        OverflowError,
        "int64 cannot hold the integer 9223372036854775808",
    ),
    (np.array([0, 2**64 - 1], np.uint64), ValueError, "int64 cannot hold the integer"),
    ([2**70], TypeError, "integers beyond int64"),
    (np.array([1j]), TypeError, "cannot hold 'complex128'"),
    (np.array(["2020-01-01"], "M8[D]"), TypeError, "cannot hold 'datetime64"),
    (np.array([1, None]), TypeError, "cannot hold a NoneType"),
    (np.array(["a"]), TypeError, "cannot hold 'str"),
    (date(2020, 1, 1), TypeError, "cannot hold a date"),
    (Fraction(1, 3), TypeError, "cannot hold a Fraction"),
    (Sparse(), TypeError, r"sparse matrix \(Sparse\): use x.toarray\(\)"),
    (np.ma.masked_array([1.0, 2.0], [False, True]), TypeError, r"masked array: fill it first"),
    ([[1.0], [1.0, 2.0]], ValueError, "ragged"),
    ([g.ones(2), g.ones(2)], TypeError, "pel.stack"),
    (np.zeros(2, [("a", "f4")]), TypeError, "cannot hold 'void32'"),
]
MAKERS: dict[str, Callable[[Any], Any]] = {
    "tensor": g.tensor,
    "variable": g.variable,
    "State": g.State,
    "compiled": pel.compile(lambda x: x + 1),
    "operand": lambda value: g.zeros(()) + g.tensor(value),
}


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_no_tensor_holds(make: str, number: int) -> None:
    value, error, text = REFUSED[number]
    with pytest.raises(error, match=text):
        MAKERS[make](value)


@pytest.mark.parametrize(
    "name", ["uint8", "int8", "uint16", "int16", "uint32", "uint64", "float16"]
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_other_types_and_byte_orders_are_held_exactly(name: str, order: Any) -> None:
    kind = np.dtype(name).newbyteorder(order)
    limits = np.iinfo(name) if kind.kind in "iu" else np.finfo(name)
    most = 2**63 - 1 if name == "uint64" else limits.max
    value = np.array([limits.min, 0, 1, most], kind)
    for made in (g.tensor(value).numpy(), g.State(value).value, g.variable(value).numpy()):
        assert made.dtype.isnative
        assert made.tolist() == value.tolist()


def test_strided_values_are_copied_in_order() -> None:
    value = np.arange(12.0).reshape(3, 4).T[::-1, ::2]
    state = g.State(value)
    assert state.value.flags.c_contiguous
    np.testing.assert_array_equal(state.value, value)


@pytest.mark.parametrize(
    ("held", "given"),
    [
        (np.zeros(1, np.int32), np.array([2**31])),
        (np.zeros(1, np.uint8), np.array([-1])),
        (np.zeros(1, np.int64), np.array([2**63], np.uint64)),
        (np.zeros(1, np.int64), np.array([1.5])),
        (np.zeros(1, np.int64), np.array([np.nan])),
        (np.zeros(1, np.int64), np.array([1e30])),
        (np.zeros(1, np.float32), np.array([1e39])),
        (np.zeros(1, np.float32), np.array([1j])),
        (np.zeros(1, np.float32), np.array([None])),
        (np.zeros(1, np.float32), np.array(["1"])),
    ],
)
def test_a_state_is_not_given_what_it_cannot_hold(held: Array, given: Array) -> None:
    state = g.State(held, "s")
    with pytest.raises((ValueError, TypeError), match="cannot hold") as told:
        state.value = given
    assert "in state 's'" in told.value.__notes__
    assert state.value == 0


def test_what_a_type_holds_is_taken() -> None:
    assert g.tensor([1.0, 2.0], "int32").numpy().tolist() == [1, 2]
    assert np.isinf(g.tensor(np.inf, "float32").item())
    assert g.tensor(np.array([1e-50]), "float32").item() == 0.0
    state = g.State(np.zeros(2, np.int32))
    state.value = np.array([True, False])
    assert state.value.tolist() == [1, 0]


@pytest.mark.parametrize("value", [1e39, -1e39, np.float64(1e300), [0.0, 1e39]])
def test_floats_beyond_float32_are_refused(value: Any) -> None:
    with pytest.raises(OutOfRangeError, match="float32 cannot hold"):
        g.tensor(value, "float32")
    assert issubclass(OutOfRangeError, (PellucidError, ValueError, OverflowError))


# -- where a state lives --------------------------------------------------------------------------


def _misaligned() -> Array:
    return np.zeros(4 * 4 + 1, np.uint8)[1:].view(np.float32)


def _read_only() -> Array:
    array = np.zeros(4, np.float32)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "storage",
    [
        np.zeros(8, np.float32)[::2],
        np.zeros(4, np.float32)[::-1],
        np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (4,), (0,)),
        np.zeros(4, ">f4"),
        _misaligned(),
        _read_only(),
        np.zeros(4),
        np.zeros(5, np.float32),
    ],
)
def test_a_state_moves_only_where_programs_can_use_it(storage: Array) -> None:
    state = g.State(np.arange(4, dtype=np.float32), "s")
    with pytest.raises(ValueError, match=r"state 's'.* cannot live in storage"):
        state.rebind(storage)
    assert state.value.tolist() == [0, 1, 2, 3]


def test_a_state_does_not_move_into_a_list() -> None:
    with pytest.raises(TypeError, match="lives in an array, got a list"):
        g.State(np.zeros(1)).rebind([0.0])  # type: ignore[arg-type]


def test_columns_are_refused_and_rows_are_not() -> None:
    state = g.State(np.ones((2, 3), np.float32))
    with pytest.raises(ValueError, match="side by side in C order"):
        state.rebind(np.zeros((3, 2), np.float32).T)
    arena = np.zeros((4, 3), np.float32)
    state.rebind(arena[1:3])
    assert arena.sum(1).tolist() == [0, 3, 3, 0]


def test_misaligned_feeds_are_read_as_they_are() -> None:
    x = g.placeholder("x", (4,), "float32")
    given = _misaligned()
    given[:] = [1, 2, 3, 4]
    program = pel.Native().build(g.Graph({"y": (x * 2).node}))
    assert program.run(1, {"x": given[None]})["y"].tolist() == [[2, 4, 6, 8]]


# -- integers that would wrap around ---------------------------------------------------------------

FAR = [2**32, 2**32 + 1, -(2**32), 2**31, 2**63 - 1, -(2**63), -1, 3]


@pytest.mark.parametrize("executor", [pel.Reference(), pel.Native()])
@pytest.mark.parametrize("number", FAR)
def test_an_index_out_of_range_is_no_class(number: int, executor: Any) -> None:
    with pel.using(executor):
        for index in (g.tensor(np.array([1, number])), g.variable(np.array([1, number]))):
            assert pel.one_hot(index, 3).tolist() == [[0, 1, 0], [0, 0, 0]]
            assert g.tensor([1.0, 2.0, 3.0]).take(index).tolist() == [2, 0]
            assert g.tensor([1.0, 2.0]).scatter_add(index, 3).tolist() == [0, 1, 0]


def test_integers_are_compared_with_numbers_beyond_their_type() -> None:
    x = g.tensor(np.array([0, 255], np.uint8))
    assert (x < 300).tolist() == [True, True]
    assert (x == -100).tolist() == [False, False]
    assert (x >= -1).tolist() == [True, True]
    assert (g.tensor([5], "int32") > 2**40).tolist() == [False]
    assert (2**40 > g.tensor([5], "int32")).tolist() == [True]
    with pytest.raises(OverflowError):
        x + 300


@pytest.mark.parametrize(
    ("count", "dtype"), [(257, "uint8"), (2**31 + 1, "int32"), (2**25, "float32")]
)
def test_counting_ends_where_the_type_does(count: int, dtype: str) -> None:
    with pytest.raises(ValueError, match=f"which {dtype} does not hold exactly"):
        g.arange(count, dtype)


def test_sizes_beyond_int64_do_not_wrap() -> None:
    with pytest.raises(ValueError, match="numbers of elements differ"):
        g.zeros(()).broadcast_to(2**32, 2**32).reshape(0)


# -- axes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [1, -1, np.int64(-1)])
@pytest.mark.parametrize(("size", "step"), [(2, 2), (2, 1), (3, 2), (1, 1)])
def test_windows_along_one_axis_however_it_is_named(axis: int, size: int, step: int) -> None:
    x = np.arange(12.0).reshape(2, 6)
    seen = np.lib.stride_tricks.sliding_window_view(x, size, 1)[:, ::step]
    for axes in (axis, [axis], (axis,)):
        np.testing.assert_array_equal(g.windows(g.tensor(x), size, step, axes=axes).numpy(), seen)
    np.testing.assert_array_equal(g.windows(x, np.int64(size), [step]).numpy(), seen)  # type: ignore[arg-type]


@pytest.mark.parametrize("axes", [(1, 0), (0, 0), (0, -2), 2, -3])
@pytest.mark.parametrize("step", [1, 2])
def test_windows_along_axes_that_do_not_rise(axes: Any, step: int) -> None:
    with pytest.raises(ValueError, match=r"rising axes|does not exist"):
        g.windows(g.ones((4, 4)), 2, step, axes=axes)


def test_iota_counts_along_an_axis_from_the_end() -> None:
    assert g.iota((2, 3), -1).tolist() == [[0, 1, 2]] * 2


def test_a_transposed_convolution_does_not_drop_what_lies_beyond() -> None:
    x, w = g.ones((1, 2, 1)), g.ones((3, 1, 1))
    assert g.convolve_transposed(x, w, (5,), 2).flatten().tolist() == [1, 1, 2, 1, 1]
    with pytest.raises(ValueError, match=r"lengths are at least \(5,\), got \(4,\)"):
        g.convolve_transposed(x, w, (4,), 2)
