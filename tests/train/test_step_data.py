"""Where batches come from: arrays, memory-mapped files, iterables; each row as often as it should."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.errors import DataError
from pellucid.graph import Array, Tensor
from pellucid.train.batches import (
    Chunk,
    GatheredBatches,
    IteratedBatches,
    ResidentBatches,
    gathered,
)
from pellucid.train.inputs import stored
from pellucid.train.inputs.step_data import batches_for, checked
from pellucid.train.steps.step import Step

rng = np.random.default_rng(3)


def mapped_file(folder: Path, array: Array, name: str = "x") -> Any:
    """The array in a file, as a memory map."""
    np.save(folder / f"{name}.npy", array)
    return np.load(folder / f"{name}.npy", mmap_mode="r")


def taken(batches: Any, epochs: int = 2, most: int = 3) -> list[tuple[int, Chunk]]:
    """The chunks of some epochs, each with the number of its epoch."""
    chunks: list[tuple[int, Chunk]] = []
    step = epoch = 0
    while epoch < epochs:
        chunk = batches.take(step, epoch, most)
        assert 0 < chunk.steps <= most
        chunks.append((epoch, chunk))
        step += chunk.steps
        epoch += chunk.ends_epoch
    return chunks


def flat(chunks: list[tuple[int, Chunk]], name: str = "X") -> list[list[float]]:
    """The values of each batch, in order."""
    return [batch.reshape(-1).tolist() for _, chunk in chunks for batch in chunk.feeds[name]]


# -- files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int64"])
def test_a_file_gives_the_rows_that_memory_gives(dtype: str, tmp_path: Path) -> None:
    x = (rng.normal(size=(53, 2, 3)) * 50).clip(0, 255).astype(dtype)
    given = mapped_file(tmp_path, x)
    there, here = batches_for(given, 8, None, 5), batches_for(x, 8, None, 5)
    assert isinstance(there, GatheredBatches) and isinstance(here, ResidentBatches)
    assert there.signature()[0][2] == ("float32" if dtype == "float64" else dtype)
    for (_, far), (_, near) in zip(taken(there, 3, 4), taken(here, 3, 4), strict=True):
        assert (far.steps, far.ends_epoch) == (near.steps, near.ends_epoch)
        expected = x[near.feeds["rows"]].astype(far.feeds["X"].dtype)
        np.testing.assert_array_equal(far.feeds["X"], expected)


def test_training_from_a_file_is_training_from_memory(tmp_path: Path) -> None:
    images = rng.integers(0, 256, (60, 4, 4, 1)).astype(np.uint8)
    y = rng.normal(size=(60, 1)).astype(np.float32)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        assert x.dtype == np.uint8
        loss = (net(x.cast(np.float32).reshape(x.shape[0], -1) / 255.0) - y).square().mean()
        step.minimise(loss, net, optim.Adam(0.01))

    results = []
    for given in (images, mapped_file(tmp_path, images)):
        net = nn.MLP([8], 1)
        pel.fit_step(step, net, (given, y), epochs=3, batch_size=16, progress=False)
        results.append([p.value.copy() for _, p in net.named_parameters()])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in parts of 256 KiB."""
    monkeypatch.setattr(gathered, "CHUNK_BYTES", 2**18)
    monkeypatch.setattr(stored, "READ_BYTES", 2**18)


BIG = 100_000, 64


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("way", ["fit", "fit_step"])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_file_is_never_in_memory_as_a_whole(way: str, dtype: str, tmp_path: Path) -> None:
    big = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", dtype, BIG)
    big[:] = rng.integers(0, 200, BIG[1])
    y = (np.arange(BIG[0]) % 2).astype(np.float32)[:, None]
    net = nn.MLP([4], 1)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        loss = (net(x.cast(np.float32)) - y).square().mean()
        step.minimise(loss, net, optim.SGD(1e-6))

    settings: dict[str, Any] = {"epochs": 1, "batch_size": 500, "progress": False}
    tracemalloc.start()
    try:
        with pel.using(pel.Reference()):
            if way == "fit":
                pel.fit(net, (big, y), 0.2, optimizer=optim.SGD(1e-6), **settings)
            else:
                pel.fit_step(step, net, (big, y), **settings)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    whole = BIG[0] * BIG[1] * 4
    assert peak < whole / 3


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("validation", [0.2, None, "rows"])
def test_fit_takes_a_file_as_it_takes_memory(dtype: str, validation: Any, tmp_path: Path) -> None:
    x = rng.integers(0, 50, (90, 5)).astype(dtype)
    y = np.where(x[:, 0] > 20, "yes", "no")
    histories, weights = [], []
    for there in (False, True):
        given = mapped_file(tmp_path, x) if there else x
        net = nn.MLP([6], 2)
        held = (given[:30], y[:30]) if validation == "rows" else validation
        run = pel.fit(net, (given, y), held, epochs=4, batch_size=16, progress=False)
        histories.append([entry.measures for entry in run.history])
        weights.append([p.value.copy() for _, p in net.named_parameters()])
        assert run.model.predict(x[:3]).shape == (3,)
    for one, other in zip(*histories, strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_looked_up_integer_of_a_file_stays_one(tmp_path: Path) -> None:
    words = rng.integers(0, 30, (64, 6)).astype(np.uint16)
    y = rng.normal(size=64).astype(np.float32)
    net = nn.Sequential(nn.Embedding(30, 4), nn.Flatten(), nn.Linear(1))
    run = pel.fit(net, (mapped_file(tmp_path, words), y), epochs=2, progress=False)
    assert run.model.members[0].kinds.dtype == "int32"


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("row", [0, 1_999])
def test_what_is_missing_in_a_file_is_named_by_its_row(row: int, tmp_path: Path) -> None:
    x = np.ones((2_000, 64), np.float32)
    x[row, 7] = np.nan
    given = mapped_file(tmp_path, x)
    with pytest.raises(DataError, match=f"row {row}, column 7"):
        pel.fit(nn.MLP([4], 1), (given, np.zeros(2_000)), progress=False)
    batches = batches_for(given, 100, None, 0)
    with pytest.raises(DataError, match=f"row {row:,}"):
        taken(batches, 1, 20)


def test_other_data_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    text = mapped_file(tmp_path, np.array([["a"], ["b"]]))
    with pytest.raises(DataError, match="not numbers"):
        pel.fit(nn.MLP([4], 1), (text, np.zeros(2)), progress=False)
    for given, message in [
        ((np.zeros((3, 2)), np.zeros(2)), "X has 3, y has 2"),
        (np.zeros((0, 2)), "no rows"),
        (np.array([["a"]]), "not numbers"),
        (np.array([[np.inf]]), "infinite"),
    ]:
        with pytest.raises(DataError, match=message):
            checked(given, "train")


def test_subsets_of_stored_rows_are_read_in_any_order(tmp_path: Path) -> None:
    x = rng.normal(size=(20, 3))
    rows = np.array([7, 3, 3, 19, 0])
    some = stored.Stored(mapped_file(tmp_path, x)).subset(rows)
    np.testing.assert_array_equal(some[1:4], x[rows][1:4])
    np.testing.assert_array_equal(some[np.array([[4, 0], [2, 2]])], x[rows][[[4, 0], [2, 2]]])
    np.testing.assert_array_equal(some[::2], x[rows][::2])
    mask = x[rows][:, 0] > 0
    np.testing.assert_array_equal(some.subset(mask)[:], x[rows][mask])
    assert some.astype(np.dtype(np.float32))[:].dtype == np.float32


# -- iterables ----------------------------------------------------------------------------------------


class Passes:
    """A new pass at each `iter`, in an order that depends on nothing."""

    def __init__(self, batches: list[Any]) -> None:
        self.batches = batches
        self.passes = 0

    def __iter__(self) -> Iterator[Any]:
        self.passes += 1
        return iter(self.batches)


class Stateful:
    """Batches of numbers, shuffled by the pass, that says where it is."""

    def __init__(self, count: int = 5) -> None:
        self.count, self.number, self.used = count, 0, 0

    def __iter__(self) -> Iterator[Array]:
        if self.used == self.count:
            self.number, self.used = self.number + 1, 0
        order = np.random.default_rng(self.number).permutation(self.count)
        while self.used < self.count:
            self.used += 1
            yield np.full((2, 1), 10.0 * self.number + order[self.used - 1])

    def state_dict(self) -> dict[str, Any]:
        return {"number": self.number, "used": self.used}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.number, self.used = state["number"], state["used"]


LIST = [np.full((size, 1), float(i)) for i, size in enumerate((2, 2, 3, 3, 1, 2))]


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_a_list_is_an_epoch_in_its_order(most: int) -> None:
    chunks = taken(IteratedBatches(LIST), 3, most)
    assert flat(chunks) == [b.reshape(-1).tolist() for b in LIST] * 3
    assert [epoch for epoch, chunk in chunks if chunk.ends_epoch] == [0, 1, 2]
    assert all(len({b.shape for b in chunk.feeds["X"]}) == 1 for _, chunk in chunks)


def test_steps_per_epoch_of_an_iterable_go_over_its_passes() -> None:
    chunks = taken(IteratedBatches(LIST[:2] * 2, 3), 4, 2)
    assert flat(chunks) == ([b.reshape(-1).tolist() for b in LIST[:2]] * 6)
    counts = [sum(c.steps for e, c in chunks if e == epoch) for epoch in range(4)]
    assert counts == [3, 3, 3, 3]


def test_a_generator_may_write_into_the_same_memory() -> None:
    def numbers() -> Iterator[Array]:
        buffer = np.zeros((2, 1), np.float32)
        for i in range(6):
            buffer[:] = i
            yield buffer

    assert flat(taken(IteratedBatches(numbers(), 3), 2, 5)) == [[i, i] for i in range(6)]


def test_a_generator_has_to_say_how_long_an_epoch_is() -> None:
    with pytest.raises(ValueError, match="steps_per_epoch"):
        IteratedBatches(iter(LIST))
    with pytest.raises(TypeError, match="iterable"):
        IteratedBatches(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="arrays have rows"):
        batches_for(np.zeros((3, 1)), 2, 5, 0)


@pytest.mark.parametrize("fixed", [None, 3, 5, 7])
@pytest.mark.parametrize("kind", ["passes", "stateful"])
@pytest.mark.parametrize("stop", range(1, 16))
def test_batches_go_on_where_they_were(stop: int, kind: str, fixed: int | None) -> None:
    """Wherever a checkpoint is taken, the rest comes as it would have come."""

    def made() -> IteratedBatches:
        source = Stateful() if kind == "stateful" else Passes(LIST[:2] + LIST[5:] + LIST[:2])
        return IteratedBatches(source, fixed)

    def drawn(batches: IteratedBatches, step: int, epoch: int, until: int) -> list[Any]:
        found: list[Any] = []
        while step < until:
            chunk = batches.take(step, epoch, min(3, until - step))
            step += chunk.steps
            epoch += chunk.ends_epoch
            found.append((chunk.feeds["X"].tolist(), epoch, step, chunk.ends_epoch))
        return found

    whole = made()
    before = drawn(whole, 0, 0, stop)
    state, epoch = whole.state_dict(), before[-1][1]
    expected = drawn(whole, stop, epoch, 20)
    again = made()
    again.signature()
    again.load_state_dict(state, stop)
    if before[-1][3]:
        # A checkpoint may be written before the loop has turned to the next epoch.
        turned = again.take(stop, epoch - 1, 3)
        assert (turned.steps, turned.ends_epoch) == (0, True)
    assert drawn(again, stop, epoch, 20) == expected


def test_a_generator_cannot_go_on() -> None:
    batches = IteratedBatches(iter(LIST), 2)
    with pytest.raises(DataError, match="cannot go on"):
        batches.load_state_dict({"in_epoch": 1, "complete": 0}, 1)


def test_parts_of_a_batch_are_trees() -> None:
    batch = (
        {"a": np.zeros((2, 3)), "b": np.zeros(2, np.uint8)},
        (np.zeros(2), np.zeros((2, 1), bool)),
    )
    batches = IteratedBatches([batch])
    assert [(n, s, d) for n, s, d in batches.signature()] == [
        ("X.a", (2, 3), "float32"),
        ("X.b", (2,), "uint8"),
        ("y.0", (2,), "float32"),
        ("y.1", (2, 1), "bool"),
    ]
    x, y = batches.tensors(batches.signature())
    assert x["a"].shape == (2, 3) and y[1].dtype == bool


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "empty"),
        ([np.array([["a"]])], "no array of numbers"),
        ([np.array([[np.nan]])], "NaN"),
        ([np.array(3.0)], "no array of numbers"),
        ([np.zeros((0, 2))], "no rows"),
        ([np.zeros((2, 1)), (np.zeros((2, 1)), np.zeros(2))], "A batch has the parts X, y"),
    ],
)
def test_batches_that_are_none_are_refused(batches: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        taken(IteratedBatches(batches), 2)


def test_a_generator_that_ends_too_soon_says_so() -> None:
    with pytest.raises(DataError, match="ended in the middle"):
        taken(IteratedBatches(iter(LIST[:4]), 3), 2)


def test_batches_of_several_sizes_train_one_network() -> None:
    """SGD on the mean of each batch, by hand."""
    net = nn.Linear(1, bias=False).build((1,))
    w = float(net.W.value[0, 0])
    data = [(x.astype(np.float32), x.astype(np.float32) * 3 + 1) for x in LIST]

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        step.minimise((net(x) - y).square().mean(), net, optim.SGD(0.01))

    pel.fit_step(step, net, data, epochs=2, progress=False)
    for x, y in data * 2:
        w -= 0.01 * float((2 * x * (x * w - y)).mean())
    assert float(net.W.value[0, 0]) == pytest.approx(w, rel=1e-5)
