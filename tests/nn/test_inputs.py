"""What layers and losses do with inputs that are integers, empty, of the wrong rank, or no numbers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import nn
from pellucid.graph import Array, Tensor
from pellucid.parts import library
from tests.graph.test_bad_arguments import RAW

NEEDED: dict[str, Any] = {
    "features": 4,
    "count": 256,
    "heads": 2,
    "units": 3,
    "shape": (-1,),
    "start": 0,
    "block": nn.Linear(4),
    "inner": nn.Linear(4),
    "layer": nn.Linear(4),
}
MODULES = [kind for kind in library(nn.Module).values() if kind is not nn.Join]
"""Those that take one array."""
WITH_LAYERS = (nn.Sequential, nn.Parallel, nn.Sum, nn.TiedLinear)


def made(kind: type[nn.Module]) -> nn.Module:
    """A module of this kind with as few settings as it takes."""
    if kind in WITH_LAYERS:
        return kind(nn.Linear(4))
    if kind is nn.GroupNorm:
        return nn.GroupNorm(2)
    needed = [p for p in inspect.signature(kind).parameters.values() if p.default is p.empty]
    return kind(**{p.name: NEEDED[p.name] for p in needed})


def output(kind: type[nn.Module], x: Array, training: bool) -> Tensor:
    """What a new module of this kind makes of x."""
    module = made(kind)
    if training:
        with nn.training():
            return module(x)
    return module(x)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", MODULES)
def test_integers_are_the_same_numbers_as_floats(kind: type[nn.Module], training: bool) -> None:
    told = 0
    for shape in ((3, 4), (3, 5, 4), (3, 6, 6, 4), (3, 6, 6, 3)):
        whole = np.random.default_rng(0).integers(0, 250, shape)
        for dtype in ("uint8", "int32", "int64", "bool"):
            x = whole.astype(dtype)
            try:
                expected = output(kind, x.astype(np.float32), training).numpy()
            except ValueError:
                continue  # not the shape for this layer
            try:
                found = output(kind, x, training).numpy()
            except TypeError as error:
                assert re.search(r"takes (floats|whole numbers)", str(error))
                told += 1
                continue
            np.testing.assert_allclose(found.astype(np.float64), expected, 1e-4, 1e-4)
            told += 1
    assert told or kind is nn.TiedLinear


SHAPES = [
    *((), (4,), (0,), (2, 4), (0, 4), (2, 0), (2, 5, 4), (0, 5, 4), (2, 0, 4), (2, 5, 0)),
    *((2, 6, 6, 4), (0, 6, 6, 4), (2, 0, 6, 4), (2, 6, 0, 4), (2, 6, 6, 0), (2, 1, 1, 4)),
]


@pytest.mark.parametrize("kind", [kind for kind in MODULES if kind is not nn.TiedLinear])
def test_shapes_that_do_not_fit_are_told(kind: type[nn.Module]) -> None:
    for shape in SHAPES:
        for training in (False, True):
            try:
                found = output(kind, np.ones(shape, np.float32), training).numpy()
            except ValueError as error:
                said = " ".join([str(error), *getattr(error, "__notes__", ())])
                assert kind.__name__ in said or "Linear" in said
                assert not RAW.search(str(error))
            else:
                assert np.isfinite(found).all(), shape


@pytest.mark.parametrize("kind", MODULES)
@pytest.mark.parametrize("value", [None, "a", [["a"]], np.array([[None]]), np.array([[1j]]), {}])
def test_what_is_no_array_of_numbers_is_told(kind: type[nn.Module], value: Any) -> None:
    with pytest.raises(TypeError, match="cannot hold") as told:
        made(kind)(value)
    assert told.value.__notes__ == [f"in the input of {kind.__name__}"]


# -- pooling and convolutions ----------------------------------------------------------------------

POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.AveragePool1d, nn.AveragePool2d)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(("size", "padding"), [(2, 2), (1, 1), (3, 2), (5, 3)])
def test_a_window_is_never_all_padding(pool: Callable[..., Any], size: int, padding: int) -> None:
    with pytest.raises(ValueError, match=r"padding is at most half the size"):
        pool(size, 2, padding)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3, 6])
def test_pools_agree_with_numpy(length: int, size: int, stride: int) -> None:
    x = np.random.default_rng(1).normal(size=(2, length, 3)).astype(np.float32)
    for padding in (*range(size // 2 + 1), "same"):
        if padding == "same":
            total = max((-(-length // stride) - 1) * stride + size - length, 0)
            ends = (total // 2, total - total // 2)
        else:
            ends = (int(padding), int(padding))
        if length + sum(ends) < size:
            with pytest.raises(ValueError, match="larger than its padded"):
                nn.MaxPool1d(size, stride, padding)(x)
            continue
        for pool, outside, join in (
            (nn.MaxPool1d, -np.inf, np.max),
            (nn.AveragePool1d, 0.0, np.mean),
        ):
            wide = np.pad(x, ((0, 0), ends, (0, 0)), constant_values=outside)
            seen = np.lib.stride_tricks.sliding_window_view(wide, size, 1)[:, ::stride]
            found = pool(size, stride, padding)(x).numpy()
            np.testing.assert_allclose(found, join(seen, -1), 1e-6)
            assert np.isfinite(found).all()


@pytest.mark.parametrize(("height", "width"), [(7, 10), (3, 2), (16, 16)])
@pytest.mark.parametrize("size", [(2, 3), (9, 8), (20, 5), 16])
def test_adaptive_pools_agree_with_numpy(height: int, width: int, size: Any) -> None:
    """Window i covers places ⌊i n / size⌋ to ⌈(i + 1) n / size⌉ − 1; equal values are common here."""
    x = np.random.default_rng(2).integers(0, 3, (2, height, width, 2)).astype(np.float32)
    rows, columns = (size, size) if isinstance(size, int) else size
    found = {kind: np.zeros((2, rows, columns, 2)) for kind in ("max", "mean")}
    slope = np.zeros_like(x)
    for i in range(rows):
        for j in range(columns):
            down = slice(i * height // rows, -(-(i + 1) * height // rows))
            right = slice(j * width // columns, -(-(j + 1) * width // columns))
            part = x[:, down, right]
            found["max"][:, i, j] = part.max((1, 2))
            found["mean"][:, i, j] = part.mean((1, 2))
            first = part.reshape(2, -1, 2).argmax(1)
            for n in range(2):
                for c in range(2):
                    at = np.unravel_index(first[n, c], part.shape[1:3])
                    slope[n, down.start + at[0], right.start + at[1], c] += 1
    variable = g.variable(x)
    largest = nn.AdaptiveMaxPool2d(size)(variable)
    np.testing.assert_array_equal(largest.numpy(), found["max"])
    np.testing.assert_array_equal(g.grad(largest.sum(), variable).numpy(), slope)
    np.testing.assert_allclose(nn.AdaptiveAveragePool2d(size)(x).numpy(), found["mean"], 1e-5, 1e-6)


def test_a_large_adaptive_pool_is_a_small_graph() -> None:
    largest = nn.AdaptiveMaxPool2d(1000)(g.placeholder("x", (1, 8, 8, 1)))
    assert len(g.ordered([largest.node])) < 30


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"output_padding": 2, "stride": 2}, ValueError, "output_padding is at least 0 and less"),
        ({"output_padding": 2, "stride": (1, 3)}, ValueError, "less than the stride, got 2"),
        ({"output_padding": -1, "stride": 2}, ValueError, "output_padding is at least 0, got -1"),
        ({"output_padding": 1.5, "stride": 2}, TypeError, "output_padding is an integer"),
        ({"output_padding": "a"}, TypeError, "output_padding is an integer"),
        ({"output_padding": 1, "stride": 2, "padding": "same"}, ValueError, "no output_padding"),
        ({"initializer": "he"}, TypeError, "initializer is an Initializer, got 'he'"),
        ({"groups": 2}, ValueError, "groups divide the features, got 3 features and 2 groups"),
    ],
)
def test_transposed_convolutions_refuse(settings: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        nn.ConvTranspose2d(3, 3, **settings)


def test_a_padding_index_is_a_row_of_its_own() -> None:
    for padding in (0, 2, None):
        table = nn.Embedding(3, 2, padding).build((1,))
        index = np.array([0, 1, 2, 3, -1, 2**32, 2**32 + 1, -(2**32)])
        found = table(g.variable(index)).numpy()
        expected = np.full((8, 2), np.nan, np.float32)
        expected[:3] = table.W.value
        if padding is not None:
            expected[padding] = 0
        np.testing.assert_array_equal(found, expected)
        floats = np.array([0.5, np.nan, np.inf, -1.0, 3.0, 1e30])
        assert np.isnan(table(g.variable(floats)).numpy()).all()
        with pytest.raises(ValueError, match="rows 0 to 2, got index 3"):
            table(index)


def test_bytes_are_indices_of_tables_of_any_length() -> None:
    table = nn.Embedding(300, 2).build((1,))
    index = np.array([[0, 255]], np.uint8)
    np.testing.assert_array_equal(table(index).numpy(), table.W.value[index])


# -- losses ----------------------------------------------------------------------------------------

LOGITS = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, 0.0]], np.float32)


@pytest.mark.parametrize("loss", [nn.BinaryCrossEntropy(), nn.BinaryFocal(), nn.Hinge()])
@pytest.mark.parametrize("wrong", [2, -1, np.nan, 1e30, -0.001])
def test_targets_of_two_classes_are_0_to_1(loss: nn.Loss, wrong: float) -> None:
    y = np.array([0.0, wrong])
    with pytest.raises(ValueError, match=f"{type(loss).__name__} takes targets of 0 or 1"):
        loss(np.zeros(2), y)
    assert np.isnan(loss(np.zeros(2), g.variable(y)).item())
    assert np.isfinite(loss(np.zeros(2), np.array([0, 1])).item())


def test_a_hinge_takes_no_shares() -> None:
    assert np.isnan(nn.Hinge()(np.zeros(2), np.array([0.5, 1.0])).item())


@pytest.mark.parametrize("loss", [nn.CrossEntropy(), nn.KLDivergence()])
def test_probabilities_are_0_to_1(loss: nn.Loss) -> None:
    y = np.array([[0.5, 0.5, 0.0], [1.5, -0.5, 0.0]])
    with pytest.raises(ValueError, match="or probabilities, got"):
        loss(LOGITS, y)
    assert np.isnan(loss(LOGITS, g.variable(y)).item())


@pytest.mark.parametrize("loss", [nn.CrossEntropy(), nn.Focal(), nn.Hinge()])
@pytest.mark.parametrize("wrong", [3, -1, 2**32, 2**32 + 1, -(2**63)])
def test_classes_beyond_the_logits(loss: nn.Loss, wrong: int) -> None:
    y = np.array([0, wrong])
    with pytest.raises(ValueError, match=f"has classes 0 to 2 .*, got target {wrong}"):
        loss(LOGITS, y)
    assert np.isnan(loss(LOGITS, g.variable(y)).item())


def test_classes_as_bytes_meet_any_number_of_logits() -> None:
    logits = np.zeros((2, 300), np.float32)
    loss = nn.CrossEntropy(ignore=-100)(logits, np.array([0, 255], np.uint8))
    assert loss.item() == pytest.approx(np.log(300))


LOSSES: list[nn.Loss] = [
    nn.BinaryCrossEntropy(),
    nn.BinaryFocal(),
    nn.CosineDistance(),
    nn.CrossEntropy(),
    nn.Focal(),
    nn.Hinge(),
    nn.Huber(),
    nn.KLDivergence(),
    nn.MeanAbsoluteError(),
    nn.MeanSquaredError(),
    nn.Poisson(),
    nn.Quantile(),
]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_losses_say_what_they_cannot_use(loss: nn.Loss) -> None:
    ints = np.zeros(2, np.int64)
    targets: list[Any] = [
        *(ints, ints[:1], ints[:0], ints[:, None], LOGITS, LOGITS[:1], LOGITS[None], 0, 0.5),
        *(
            None,
            "a",
            ["a", "b"],
            np.array([1, None]),
            np.array([True, False]),
            [1j, 1j],
            [[1], [1, 2]],
        ),
        *(np.array([0.0, 1.0]), -LOGITS, ints - 1, ints + 3),
    ]
    wrong: list[Any] = [
        LOGITS,
        LOGITS[:0],
        LOGITS[:, :0],
        LOGITS[:, :1],
        LOGITS[0],
        ints,
        None,
        "a",
    ]
    for outputs in wrong:
        for y in targets:
            try:
                value = loss(outputs, y).numpy()
            except (ValueError, TypeError) as error:
                assert not RAW.search(str(error)), error
            else:
                assert np.isfinite(value).all()


def test_a_loss_is_named_with_what_is_no_array() -> None:
    for given, what in ((("a", LOGITS), "outputs"), ((LOGITS, None), "targets")):
        with pytest.raises(TypeError, match="cannot hold") as told:
            nn.MSE()(*given)
        assert told.value.__notes__ == [f"in the {what} of MeanSquaredError"]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_no_loss_is_the_mean_of_nothing(loss: nn.Loss) -> None:
    empty = np.zeros((0, 3), np.float32)
    with pytest.raises(ValueError, match=r"has a mean over no outputs: they have shape \(0, 3\)"):
        loss(empty, empty)
