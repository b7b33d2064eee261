"""Sources of batches: arrays in memory, in files, and iterables, which a run resumes from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.errors import DataError
from pellucid.graph import Tensor
from pellucid.train.batches import Chunk, GatheredBatches, IteratedBatches, ResidentBatches
from pellucid.train.events import Event, Progressed
from pellucid.train.storage.folder import HISTORY, RECORDS
from tests.train.checkpoints import save_always
from tests.train.runs import Killed

RNG = np.random.default_rng(2)
X = RNG.normal(size=(26, 3)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5], np.float32)).astype(np.float32)


def step(step: pel.Step, x: Tensor, y: Tensor) -> None:
    """Least squares by a line."""
    step.minimise((NET[0](x).reshape(-1) - y).square().mean(), NET[0], NET[1])


NET: list[Any] = []


def trained(train: Any, *callbacks: Any, **settings: Any) -> Any:
    """A run on any source; returns the weights and the history."""
    NET[:] = [nn.Linear(1), optim.SGD(0.05, momentum=0.5)]
    every: dict[str, Any] = {"batch_size": 8, "epochs": 4, "progress": False, **settings}
    run = pel.fit_step(step, NET[0], train, callbacks=callbacks, **every)
    return NET[0].W.numpy().copy(), run


def memory_mapped(folder: Path, array: Any) -> Any:
    """The array in a file."""
    file = np.memmap(folder / f"{array.ndim}.bin", array.dtype, "w+", shape=array.shape)
    file[...] = array
    file.flush()
    return np.memmap(folder / f"{array.ndim}.bin", array.dtype, "r", shape=array.shape)


class Sized:
    """Batches of 5, 5, 5, 5, 5 and 1 rows, the same in every pass."""

    def __init__(self) -> None:
        self.drawn = 0

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(X), 5):
            self.drawn += 1
            yield X[start : start + 5], Y[start : start + 5]


class Remembers(Sized):
    """Rows in an order of its own, which differs in each pass, that says where it is."""

    def __init__(self) -> None:
        super().__init__()
        self.passes = self.index = 0

    def __iter__(self) -> Iterator[Any]:
        order = np.random.default_rng(self.passes).permutation(len(X))
        while self.index < 5:
            rows = order[self.index * 5 : self.index * 5 + 5]
            self.index += 1
            self.drawn += 1
            yield X[rows], Y[rows]
        self.passes, self.index = self.passes + 1, 0

    def state_dict(self) -> dict[str, Any]:
        """Where it is."""
        return {"passes": self.passes, "index": self.index}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.passes, self.index = state["passes"], state["index"]


def rows_of(chunks: list[Chunk]) -> Any:
    """The inputs of all steps, one below the other."""
    return np.concatenate([array for chunk in chunks for array in chunk.feeds["X"]])


# -- arrays ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 2, 100])
def test_rows_from_a_file_are_those_of_memory(tmp_path: Path, most: int) -> None:
    data = (memory_mapped(tmp_path, X.astype(np.float64)), memory_mapped(tmp_path, Y))
    files, arrays = GatheredBatches(data, 8, 3, 26), ResidentBatches((X, Y), 8, 3, 26)
    assert files.signature() == (("X", (8, 3), "float32"), ("y", (8,), "float32"))
    done = 0
    for epoch in range(3):
        ended = False
        while not ended:
            one, other = files.take(done, epoch, most), arrays.take(done, epoch, most)
            np.testing.assert_array_equal(one.feeds["X"], X[other.feeds["rows"]])
            np.testing.assert_array_equal(one.feeds["y"], Y[other.feeds["rows"]])
            assert (one.steps, one.ends_epoch) == (other.steps, other.ends_epoch)
            done, ended = done + one.steps, one.ends_epoch
        assert done == -(-(epoch + 1) * 26 // 8)
        assert files.take(done, epoch, 5).steps == 0


def test_a_run_on_files_is_that_on_arrays(tmp_path: Path) -> None:
    data = (memory_mapped(tmp_path, X), memory_mapped(tmp_path, Y))
    (found, run), (expected, other) = trained(data), trained((X, Y))
    np.testing.assert_array_equal(found, expected)
    assert run.history == other.history


@pytest.mark.parametrize("wild", [np.nan, np.inf])
def test_values_in_files_that_are_not_finite_are_refused_when_read(
    tmp_path: Path, wild: float
) -> None:
    x = X.copy()
    x[17, 1] = wild
    data = (memory_mapped(tmp_path, x), memory_mapped(tmp_path, Y))
    with pytest.raises(DataError, match="X holds NaN or infinite values, such as in row 17"):
        trained(data)


# -- iterables ------------------------------------------------------------------------------------


def test_batches_that_differ_in_size_are_all_learned_from() -> None:
    found, run = trained(Sized(), epochs=2)
    w, b = nn.Linear(1).build(3).state_dict().values()
    v, u = np.zeros_like(w), np.zeros_like(b)
    for x, y in list(Sized()) * 2:
        error = 2 * (x @ w + b - y[:, None]) / len(x)
        v, u = 0.5 * v + x.T @ error, 0.5 * u + error.sum(0)
        w, b = w - 0.05 * v, b - 0.05 * u
    np.testing.assert_allclose(found, w, rtol=1e-4)
    assert [entry.step for entry in run.history] == [0, 6, 12]


def test_a_generator_gives_its_batches_once() -> None:
    def endless() -> Iterator[Any]:
        while True:
            yield from Sized()

    with pytest.raises(ValueError, match="gives them once: say steps_per_epoch"):
        trained(endless())
    found, run = trained(endless(), steps_per_epoch=6)
    np.testing.assert_array_equal(found, trained(Sized())[0])
    assert [entry.step for entry in run.history] == [0, 6, 12, 18, 24]
    with pytest.raises(DataError, match="ended in the middle of an epoch"):
        trained(iter(Sized()), steps_per_epoch=5)


@pytest.mark.parametrize("epoch_steps", [4, 6, 9])
def test_epochs_of_another_length_than_a_pass(epoch_steps: int) -> None:
    _, run = trained(Sized(), steps_per_epoch=epoch_steps)
    assert [entry.step for entry in run.history] == [epoch_steps * n for n in range(5)]


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ([], DataError, "iterable of batches is empty"),
        ([("a", "b")], DataError, "no array of numbers"),
        ([(X, np.where(Y > 0, np.nan, Y))], DataError, "y of a batch holds NaN"),
        (3, TypeError, "iterable of batches, got 3"),
    ],
)
def test_sources_that_cannot_be_used(source: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        trained(source)


def test_steps_per_epoch_is_at_least_1() -> None:
    with pytest.raises(ValueError, match="steps_per_epoch"):
        IteratedBatches(Sized(), 0)


@pytest.mark.parametrize("fixed", [None, 4, 6])
@pytest.mark.parametrize("source", [Sized, Remembers])
def test_batches_that_were_put_back_come_again(source: type[Sized], fixed: int | None) -> None:
    """As after a divergence: of each chunk only the first is used."""
    plain, other = IteratedBatches(source(), fixed), IteratedBatches(source(), fixed)
    expected: list[Chunk] = []
    found: list[Chunk] = []
    ends: list[tuple[int, int]] = []
    for batches, into, put in ((plain, expected, False), (other, found, True)):
        done = 0
        for epoch in range(3):
            ended = False
            while not ended:
                chunk = batches.take(done, epoch, 3)
                if put and chunk.steps > 1:
                    batches.put_back(chunk, 1)
                    chunk = chunk.first(1)
                into.append(chunk)
                done, ended = done + chunk.steps, chunk.ends_epoch
            ends.append((epoch, done))
    np.testing.assert_array_equal(rows_of(expected), rows_of(found))
    assert ends[:3] == ends[3:]


# -- resuming -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [1, 2, 5, 6, 7, 12, 20])
@pytest.mark.parametrize("fixed", [None, 4])
@pytest.mark.parametrize("source", [Sized, Remembers])
def test_a_run_on_an_iterable_goes_on_to_the_same_bytes(
    source: type[Sized],
    fixed: int | None,
    stop: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save_always(monkeypatch)
    steps = 0

    def kill(event: Event) -> None:
        nonlocal steps
        if isinstance(event, Progressed):
            steps = event.step
            if steps >= stop:
                raise Killed

    settings: dict[str, Any] = {"steps_per_epoch": fixed, "epochs": 6 if fixed else 4}
    whole, run = trained(source(), out=tmp_path / "whole", **settings)
    with pytest.raises(Killed):
        trained(source(), kill, out=tmp_path / "run", **settings)
    again, resumed = trained(source(), out=tmp_path / "run", resume=True, **settings)
    np.testing.assert_array_equal(again, whole)
    assert resumed.history == run.history
    for name in (HISTORY, RECORDS):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_generator_cannot_be_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_always(monkeypatch)

    def endless() -> Iterator[Any]:
        while True:
            yield from Sized()

    def kill(event: Event) -> None:
        if isinstance(event, Progressed) and event.step >= 3:
            raise Killed

    settings: dict[str, Any] = {"steps_per_epoch": 6, "out": tmp_path / "run"}
    with pytest.raises(Killed):
        trained(endless(), kill, **settings)
    with pytest.raises(DataError, match="cannot go on where the run was stopped"):
        trained(endless(), resume=True, **settings)
