"""Batches from any iterator of arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from pellucid import check
from pellucid.errors import DataError
from pellucid.graph import Array, origin, placeholder
from pellucid.nn.inputs import leaves, mapped
from pellucid.train.batches.base import Chunk, Signature
from pellucid.train.batches.gathered import CHUNK_BYTES, step_dtype
from pellucid.train.batches.resident import part_name

Batch = tuple[Any, ...]


@runtime_checkable
class Resumable(Protocol):
    """An iterable that says where it is, as torchdata's StatefulDataLoader does.

    After the last batch of a pass its state is that of the beginning of the next: `iter` begins a pass.
    """

    def state_dict(self) -> dict[str, Any]:
        """Where it is, as JSON values."""
        ...

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Go on from there with the next `iter`."""
        ...


class IteratedBatches:
    """The batches of an iterable; one pass over it is an epoch, unless `steps_per_epoch` says otherwise.

    A batch is an array, or a tuple of its parts: inputs (an array, a dict or a tuple of them),
    targets and so on. Batches may differ in size; a step is compiled for each size.

    Resuming: an iterable with `state_dict` and `load_state_dict` says itself where it goes on.
    Another is begun anew, and the batches of the epoch that were used already are drawn and dropped,
    so it has to give the same ones again. A batch is drawn before its step comes, and `state_dict` is
    asked for before each. A generator gives its batches once and cannot be resumed.
    """

    replayable = False

    def __init__(self, source: Iterable[Any], steps_per_epoch: int | None = None) -> None:
        if not isinstance(source, Iterable):
            raise TypeError(
                f"train is arrays, or an iterable of batches, got {check.brief(source)}"
            )
        if steps_per_epoch is not None:
            check.integer("steps_per_epoch", steps_per_epoch)
        self.source = source
        self.once = isinstance(source, Iterator)
        if self.once and steps_per_epoch is None:
            raise ValueError(
                "a generator of batches gives them once: say steps_per_epoch, or pass an object whose "
                "__iter__ begins anew, such as a list or a class with __iter__"
            )
        self.steps_per_epoch: float | None = steps_per_epoch
        self._fixed = steps_per_epoch
        self._iterator: Iterator[Any] | None = None
        self._waiting: list[_Drawn] = []
        self._taken: list[_Drawn] = []
        self._in_epoch = self._began_chunk = self._complete = 0
        self._example: Batch | None = None

    def tensors(self, signature: Signature) -> tuple[Any, ...]:
        """The parts of a batch as inputs of the graph."""
        kinds = {name: (shape, dtype) for name, shape, dtype in signature}

        def part_of_batch(name: str, array: Any) -> Any:
            shape, dtype = kinds[name]
            return placeholder(name, shape, np.dtype(dtype))

        assert self._example is not None
        with origin("batch"):
            return tuple(
                mapped(part_of_batch, part, part_name(i)) for i, part in enumerate(self._example)
            )

    def signature(self) -> Signature:
        """That of the first batch, which is drawn and kept for the first step."""
        if self._example is None:
            first = self._draw()
            if first.batch is None:
                raise DataError("The iterable of batches is empty: there is nothing to learn.")
            self._example = first.batch
            self._waiting.insert(0, first)
        return _signature(self._example)

    @property
    def example(self) -> Batch:
        """The first batch."""
        self.signature()
        assert self._example is not None
        return self._example

    def take(self, step: int, epoch: int, most: int) -> Chunk:
        """The next batches of the same signature, up to the end of the epoch."""
        self.signature()
        self._taken, self._began_chunk = [], self._in_epoch
        if epoch < self._complete:
            return self._chunk([], True)
        batches: list[Batch] = []
        ends, bytes_taken, begins = False, 0, self._in_epoch == 0
        while len(batches) < most and bytes_taken <= CHUNK_BYTES and not ends:
            drawn = self._waiting.pop(0) if self._waiting else self._draw()
            batch = drawn.batch
            if batch is not None and batches and _signature(batch) != _signature(batches[0]):
                self._waiting.insert(0, drawn)
                break
            self._taken.append(drawn)
            if batch is None:
                ends = True
            else:
                batches.append(batch)
                bytes_taken += sum(array.nbytes for array in _arrays(batch).values())
                ends = self._in_epoch + len(batches) == self._fixed
        if not ends and not self._waiting:
            # Whether an epoch has ended is known by the batch after its last.
            drawn = self._draw()
            ends = drawn.batch is None
            (self._taken if ends else self._waiting).append(drawn)
        if ends and begins and not batches:
            raise DataError(f"The iterable of batches gave none in epoch {epoch + 1}.")
        self._in_epoch += len(batches)
        if ends:
            self._in_epoch, self._complete = 0, epoch + 1
        return self._chunk(batches, ends)

    def put_back(self, chunk: Chunk, used: int) -> None:
        """The batches after the first `used` wait for the next `take`, and the epoch's end with them."""
        if chunk.ends_epoch:
            self._complete -= 1
        self._in_epoch = self._began_chunk + used
        self._waiting[:0] = self._taken[used:]
        self._taken = []

    def _chunk(self, taken: list[Batch], ends: bool) -> Chunk:
        signature = _signature(taken[0] if taken else self.example)
        parts = [_arrays(batch) for batch in taken]
        feeds = {
            name: np.stack([part[name] for part in parts])
            if parts
            else np.empty((0, *shape), dtype)
            for name, shape, dtype in signature
        }
        return Chunk(len(taken), feeds, signature, ends)

    def _draw(self) -> _Drawn:
        if self._iterator is None:
            self._iterator = iter(self.source)
        before = self._source_state()
        batch = next(self._iterator, None)
        if batch is None and self._fixed is not None and not self.once:
            self._iterator = iter(self.source)
            batch = next(self._iterator, None)
        if batch is not None:
            return _Drawn(self._alike(_checked(batch)), before)
        if self._fixed is not None:
            raise DataError("The batches ended in the middle of an epoch.")
        self._iterator = None
        return _Drawn(None, before)

    def _alike(self, batch: Batch) -> Batch:
        """A batch, of the same parts as the first."""
        names = _arrays(batch).keys()
        expected = names if self._example is None else _arrays(self._example).keys()
        if names != expected:
            raise DataError(
                f"A batch has the parts {', '.join(names)}, the first one has {', '.join(expected)}."
            )
        return batch

    def _source_state(self) -> dict[str, Any] | None:
        """Where the iterable is, if it says so."""
        return deepcopy(self.source.state_dict()) if isinstance(self.source, Resumable) else None

    def epoch_at(self, step: int, epoch: int) -> float:
        """Complete epochs, and the part of this one where its length is known."""
        if self.steps_per_epoch is None:
            return float(epoch)
        return step / self.steps_per_epoch

    def state_dict(self) -> dict[str, Any]:
        """The state of the iterable where it has one, and the batches used in this epoch."""
        state: dict[str, Any] = {"in_epoch": self._in_epoch, "complete": self._complete}
        if isinstance(self.source, Resumable):
            # A batch that was drawn and waits for its step has to be drawn again.
            state["source"] = self._waiting[0].before if self._waiting else self._source_state()
        return state

    def load_state_dict(self, state: Mapping[str, Any], step: int) -> None:
        """Set the iterable to where it was, or begin it anew and drop what was used."""
        self._waiting, self._taken, self._iterator = [], [], None
        self._in_epoch, self._complete = int(state["in_epoch"]), int(state["complete"])
        if isinstance(self.source, Resumable):
            self.source.load_state_dict(state["source"])
            return
        if self.once:
            raise DataError(
                "A generator of batches cannot go on where the run was stopped: pass an object whose "
                "__iter__ begins anew, or one with state_dict and load_state_dict."
            )
        used = step if self._fixed is not None else self._in_epoch
        for _ in range(used):
            self._draw()


@dataclass(frozen=True)
class _Drawn:
    """A batch, or None for the end of a pass, and the state of the iterable before it was drawn."""

    batch: Batch | None
    before: dict[str, Any] | None


def _arrays(batch: Batch) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for i, part in enumerate(batch):
        arrays |= leaves(part, part_name(i))
    return arrays


def _signature(batch: Batch) -> Signature:
    return tuple((name, array.shape, array.dtype.name) for name, array in _arrays(batch).items())


def _checked(batch: Any) -> Batch:
    """A batch as arrays of the types that a step computes in; raises DataError for other things."""
    parts = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)

    def converted(name: str, part: Any) -> Array:
        array = np.asarray(part)
        if array.dtype.kind not in "biuf" or array.ndim == 0:
            raise DataError(f"{name} of a batch is no array of numbers with rows: {part!r:.60}")
        if len(array) == 0:
            raise DataError(f"{name} of a batch has no rows.")
        # A copy: who makes the batches may write the next one into the same memory.
        array = np.array(array, step_dtype(array.dtype), order="C")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DataError(f"{name} of a batch holds NaN or infinite values.")
        return array

    return tuple(mapped(converted, part, part_name(i)) for i, part in enumerate(parts))
