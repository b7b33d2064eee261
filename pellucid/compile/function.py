"""`compile`: a Python function of tensors as one native program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.graph.arrays import array_of
from pellucid.graph.build import placeholder
from pellucid.graph.dtype import FLOAT32, ORDER, as_dtype, fitted
from pellucid.graph.op import Array
from pellucid.graph.program import Graph
from pellucid.graph.tensor import Tensor

if TYPE_CHECKING:
    from pellucid.compile.explain.program import Explanation
    from pellucid.compile.program import NativeProgram

Result = Tensor | tuple[Tensor, ...] | Mapping[str, Tensor]


class Compiled:
    """A function that runs as machine code, compiled once for each set of shapes and types.

    Called with arrays (or numbers), it returns what the function returns, as NumPy arrays.
    """

    def __init__(self, function: Callable[..., Result]) -> None:
        self._function = function
        self._programs: dict[tuple[Any, ...], tuple[NativeProgram, Any]] = {}
        update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """Run the function on arrays."""
        arrays = [_array(value) for value in args]
        program, shape = self._program(arrays)
        results = program.run(1, {f"x{i}": array[None] for i, array in enumerate(arrays)})
        return _packed([result[0] for result in results.values()], shape)

    def __reduce__(self) -> str | tuple[Any, ...]:
        """By its name where its module holds it by that, as a decorated function; else its function."""
        name = getattr(self, "__qualname__", "")
        held: Any = sys.modules.get(self.__module__)
        for part in name.split("."):
            held = getattr(held, part, None)
        return name if held is self else (compile, (self._function,))

    def explain(self, *args: Any) -> Explanation:
        """The kernels, memory and code of the function for arguments of these shapes and types."""
        from pellucid.compile.explain.program import explain

        return explain(self._program([_array(value) for value in args])[0])

    def _program(self, arrays: list[Array]) -> tuple[NativeProgram, Any]:
        key = tuple((array.shape, array.dtype.name) for array in arrays)
        if key not in self._programs:
            from pellucid.compile.program import NativeProgram

            inputs = [
                placeholder(f"x{i}", array.shape, array.dtype) for i, array in enumerate(arrays)
            ]
            tensors, shape = self._traced(inputs)
            graph = Graph({f"y{i}": tensor.node for i, tensor in enumerate(tensors)})
            self._programs[key] = NativeProgram(graph), shape
        return self._programs[key]

    def _traced(self, inputs: list[Tensor]) -> tuple[list[Tensor], Any]:
        """The tensors of the function. If it draws, it is traced again, and must give the same graph."""
        from pellucid.graph.retrace import Draws, check_repeatable

        draws = Draws([self._function])
        tensors, shape = _unpacked(self._function(*inputs))
        if draws.made():
            check_repeatable(
                [tensor.node for tensor in tensors],
                lambda: [tensor.node for tensor in _unpacked(self._function(*inputs))[0]],
                [self._function],
            )
        return tensors, shape


def compile(function: Callable[..., Result]) -> Compiled:  # noqa: A001
    """Make a function of tensors run as machine code: `f = pel.compile(f)`, or as a decorator.

    function: takes tensors and returns a tensor, a tuple or a mapping of tensors. States that it
    reads are read at each call. `f.explain(*arrays)` shows what the compiler made of it.
    Raises TypeError if it returns something else, TracingError if it draws with NumPy or Python: it is
    called once for each set of shapes and types, so it would draw only then.
    """
    return Compiled(function)


def _array(value: Any) -> Array:
    array = array_of(value)
    if not isinstance(value, (np.ndarray, np.generic)) and array.dtype == np.float64:
        return fitted(array, FLOAT32)
    return array if _is_ready(array) else fitted(array, as_dtype(array.dtype))


def _is_ready(array: Array) -> bool:
    return array.dtype in ORDER and array.flags.c_contiguous and array.flags.aligned


def _unpacked(result: Any) -> tuple[list[Tensor], Any]:
    """The tensors of a result, and its shape as a tuple, a mapping or a tensor."""
    if isinstance(result, Tensor):
        return [result], None
    if isinstance(result, Mapping):
        tensors, shape = list(result.values()), tuple(result)
    elif isinstance(result, (tuple, list)):
        tensors, shape = list(result), ()
    else:
        raise TypeError(f"a compiled function returns tensors, got a {type(result).__name__}")
    if not all(isinstance(tensor, Tensor) for tensor in tensors):
        raise TypeError("a compiled function returns tensors and nothing else")
    return tensors, shape


def _packed(arrays: list[Array], shape: Any) -> Any:
    if shape is None:
        return arrays[0]
    return dict(zip(shape, arrays, strict=True)) if shape else tuple(arrays)
