"""Arrays that stay in their files: rows are read when they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pellucid.graph import Array, Shape
from pellucid.graph.dtype import DType
from pellucid.nn.inputs import leaves, mapped

READ_BYTES = 16 * 2**20
"""Memory for what is read at once where a whole file is gone through."""


class Stored:
    """Rows of an array in a file, all or some, in a type that they get when they are read.

    Indexed by a slice or by row numbers, it gives an array in memory. The file is that of a
    `numpy.memmap`, or a data set of h5py, zarr or tensorstore.
    """

    def __init__(self, source: Any, dtype: DType | None = None, rows: Array | None = None) -> None:
        """rows: the numbers of those that it has, None for all."""
        self._source = source
        self._rows = rows
        self.dtype = np.dtype(source.dtype) if dtype is None else dtype
        count = len(source) if rows is None else len(rows)
        self.shape: Shape = (count, *source.shape[1:])
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: slice | Array) -> Array:
        chosen = key if self._rows is None else self._rows[key]
        if isinstance(chosen, slice):
            values = np.asarray(self._source[chosen])
        else:
            # In their order in the file, each once: as data sets of HDF5 want it, and disks.
            unique, inverse = np.unique(chosen, return_inverse=True)
            values = np.asarray(self._source[unique])[inverse.reshape(np.shape(chosen))]
        return np.ascontiguousarray(values, self.dtype)

    def astype(self, dtype: Any) -> Stored:
        """The same rows in another type."""
        return Stored(self._source, np.dtype(dtype), self._rows)

    def subset(self, rows: Array) -> Stored:
        """Some of the rows, by number or as a mask."""
        chosen = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Stored(
            self._source, self.dtype, chosen if self._rows is None else self._rows[chosen]
        )

    def chunks(self) -> Iterator[tuple[int, Array]]:
        """All rows part by part, each with the number of its first row."""
        row = int(np.prod(self.shape[1:])) * max(self.dtype.itemsize, 1)
        size = max(READ_BYTES // max(row, 1), 1)
        for start in range(0, len(self), size):
            yield start, self[start : start + size]


def is_stored(array: Any) -> bool:
    """Whether the rows of an array lie in a file."""
    if isinstance(array, (np.memmap, Stored)):
        return True
    return (
        not isinstance(array, np.ndarray)
        and not hasattr(array, "__array_interface__")
        and all(hasattr(array, name) for name in ("shape", "dtype", "__getitem__", "__len__"))
        and type(array).__module__.partition(".")[0] in ("h5py", "zarr", "tensorstore")
    )


def stored(array: Any) -> Stored:
    """The rows of an array that lies in a file."""
    return array if isinstance(array, Stored) else Stored(array)


def in_memory(data: tuple[Any, ...]) -> bool:
    """Whether no array of these parts lies in a file."""
    return not any(is_stored(array) for part in data for array in leaves(part).values())


def subset(inputs: Any, rows: Any) -> Any:
    """Some rows of inputs, by number or as a mask; those of a file stay there."""
    return mapped(lambda _, a: a.subset(rows) if isinstance(a, Stored) else a[rows], inputs)
