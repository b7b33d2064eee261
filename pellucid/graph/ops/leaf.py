"""Leaves: where values come from."""

from typing import Any

import numpy as np

from pellucid.graph.dtype import BOOL, DType
from pellucid.graph.node import Literal, State
from pellucid.graph.op import Array, Op, Shape, TensorType, declare


def _never(**attrs: Any) -> Array:
    raise ValueError("an input has no value of its own: feed it")


def _input_type(name: str, shape: Shape, dtype: DType) -> TensorType:
    return TensorType(shape, dtype)


def _state_type(state: State) -> TensorType:
    return TensorType(state.value.shape, state.value.dtype)


def _state_value(state: State) -> Array:
    return state.value


def _constant_type(value: Literal) -> TensorType:
    return TensorType(value.array.shape, value.array.dtype)


def _constant_value(value: Literal) -> Array:
    return value.array


def _iota_type(shape: Shape, axis: int, dtype: DType) -> TensorType:
    if not 0 <= axis < len(shape):
        raise ValueError(f"iota counts along axis {axis}, but its shape {shape} has no such axis")
    if dtype == BOOL:
        raise TypeError("iota counts in numbers, not in conditions (bool)")
    return TensorType(shape, dtype)


def _iota_value(shape: Shape, axis: int, dtype: DType) -> Array:
    count = np.arange(shape[axis], dtype=dtype)
    return np.broadcast_to(
        count.reshape([-1 if i == axis else 1 for i in range(len(shape))]), shape
    )


declare(Op("input", "leaf", _input_type, _never, None, "{name}"))
declare(Op("state", "leaf", _state_type, _state_value, None, "{state}"))
declare(Op("constant", "leaf", _constant_type, _constant_value, None, "{value}"))
declare(Op("iota", "leaf", _iota_type, _iota_value, None, "iota(axis={axis})"))
