"""The order of rows in training: shuffled passes over the data, cut into batches."""

import numpy as np
from numpy.typing import NDArray


class RowStream:
    """An endless stream of batches of rows, a pure function of (rows, batch_size, seed, step).

    Each pass is a fresh permutation of 0 … rows-1, and passes follow each other without a gap. Step s
    takes positions s·B … (s+1)·B-1 of that stream. So each batch has exactly B rows and may span two
    passes. Steps can be read in any order, and a resumed run sees the rows of an uninterrupted one.
    B is at most `rows`; with B = rows each batch is the whole table in its own order.
    """

    def __init__(self, rows: int, batch_size: int, seed: int) -> None:
        if rows < 1 or batch_size < 1:
            raise ValueError(f"rows and batch_size should be at least 1, got {rows}, {batch_size}")
        if rows > np.iinfo(np.int32).max:
            raise ValueError(f"rows should be below 2^31, got {rows:,}")
        if seed < 0:
            raise ValueError(f"seed should not be negative, got {seed}")
        self.count = rows
        self.batch_size = min(batch_size, rows)
        self.seed = seed
        self._pass = -1
        self._order = np.empty(0, np.int32)

    @property
    def steps_per_pass(self) -> float:
        """The number of steps in one pass over the rows; not always a whole number."""
        return self.count / self.batch_size

    def rows(self, start: int, steps: int) -> NDArray[np.int32]:
        """Row numbers of the steps start … start+steps-1, int32, shape (steps, batch_size)."""
        if start < 0 or steps < 0:
            raise ValueError(f"start and steps should not be negative, got {start}, {steps}")
        if self.batch_size == self.count:
            return np.tile(np.arange(self.count, dtype=np.int32), (steps, 1))
        stream = np.empty(steps * self.batch_size, np.int32)
        position, filled = start * self.batch_size, 0
        while filled < len(stream):
            number, offset = divmod(position + filled, self.count)
            chunk = self._permutation(number)[offset : offset + len(stream) - filled]
            stream[filled : filled + len(chunk)] = chunk
            filled += len(chunk)
        return stream.reshape(steps, self.batch_size)

    def _permutation(self, number: int) -> NDArray[np.int32]:
        """The row order of a pass; the latest one is cached."""
        if number != self._pass:
            random = np.random.Generator(np.random.PCG64([self.seed, number]))
            self._order = random.permutation(self.count).astype(np.int32)
            self._pass = number
        return self._order
