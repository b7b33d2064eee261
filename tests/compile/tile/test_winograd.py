"""Winograd convolutions: which ones, the right sums, how little is lost, where NaN goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile import program
from pellucid.compile.emit import kernel
from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.native.isa import host_isa
from pellucid.compile.program import NativeProgram
from pellucid.compile.tile.winograd import Winograd
from pellucid.graph import Array, Graph, Tensor
from pellucid.graph.gradient import gradients
from tests.compile.tile.test_contraction import VECTORS

Picture = tuple[int, int, int, int, int, int]
"""Images, rows, columns, channels, outputs, groups."""
PICTURES: tuple[Picture, ...] = (
    (2, 8, 8, 16, 16, 1),
    (3, 9, 7, 16, 24, 1),
    (1, 5, 12, 33, 40, 1),
    (4, 16, 16, 64, 96, 2),
    (4, 8, 7, 300, 64, 1),
    (5, 11, 6, 20, 130, 1),
    (3, 9, 8, 48, 20, 1),
)
OF_TWO: tuple[Picture, ...] = (
    (2, 9, 9, 16, 24, 1),
    (3, 17, 9, 24, 20, 1),
    (1, 8, 13, 33, 40, 1),
    (4, 9, 9, 64, 96, 2),
    (4, 9, 8, 300, 64, 1),
    (3, 8, 9, 20, 130, 1),
)
"""With windows of 2 × 2, whose tiles are 4 × 4."""
ALL = [(3, picture) for picture in PICTURES] + [(2, picture) for picture in OF_TWO]
_LOST = {3: 12, 2: 24}
"""The largest error, in units of rounding of the largest result, by the size of the window."""


def _convolution(
    picture: Picture, dtype: Any, seed: int = 0, padding: int = 1, window: int = 3
) -> tuple[Graph, dict[str, Array]]:
    """A convolution with an epilogue, its gradients, and what is fed."""
    n, rows, columns, channels, outputs, groups = picture
    dice = np.random.default_rng(seed)
    x = g.placeholder("x", (n, rows, columns, channels), dtype)
    w = g.placeholder("w", (window, window, channels // groups, outputs), dtype)
    around = (0, padding, padding, 0)
    y = g.convolve(x.pad(around, around), w, groups=groups)
    dy = g.placeholder("dy", y.shape, dtype)
    dx, dw = gradients((y * dy).sum(), [x, w])
    made = Graph({"y": (y + dy).node, "dx": dx.node, "dw": (dw * 2.0).node})
    fed: dict[str, Tensor] = {"x": x, "w": w, "dy": dy}
    feeds = {name: dice.normal(size=(1, *t.shape)).astype(dtype) for name, t in fed.items()}
    return made, feeds


def _winograds(made: NativeProgram) -> list[Winograd]:
    layouts = [emitted.schedule.layout for level in made.code.levels for emitted in level]
    return [layout for layout in layouts if isinstance(layout, Winograd)]


def _exact(
    picture: Picture, feeds: dict[str, Array], padding: int = 1, window: int = 3
) -> dict[str, Array]:
    """In float64, by NumPy."""
    graph, _ = _convolution(picture, np.float64, padding=padding, window=window)
    wide = {name: value.astype(np.float64) for name, value in feeds.items()}
    return g.Reference().build(graph).run(1, wide)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("window", "picture"), ALL)
@pytest.mark.parametrize("padding", [0, 1])
def test_sums_are_right(window: int, picture: Picture, dtype: Any, padding: int) -> None:
    graph, feeds = _convolution(picture, dtype, padding=padding, window=window)
    made = NativeProgram(graph, 2)
    kinds = {work.window_gradient for work in _winograds(made)}
    if window == 3:
        assert kinds == ({False, True} if min(graph.outputs["y"].shape[1:3]) > 3 else {False})
    else:
        assert kinds or padding
    wanted = _exact(picture, feeds, padding, window)
    for name, actual in made.run(1, feeds).items():
        lost = np.abs(actual - wanted[name]).max() / np.abs(wanted[name]).max()
        assert lost < _LOST[window] * np.finfo(dtype).eps, name


def test_tiles_of_both_windows_are_used_in_all_directions() -> None:
    for window, picture in ((3, PICTURES[3]), (2, (4, 13, 13, 64, 96, 2))):
        graph, _ = _convolution(picture, np.float32, padding=0, window=window)
        chosen = [(w.scheme.window, w.window_gradient) for w in _winograds(NativeProgram(graph, 2))]
        assert sorted(chosen) == [(window, False), (window, False), (window, True)]


@pytest.mark.parametrize("vectors", VECTORS)
def test_with_any_vectors(
    vectors: tuple[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Lanes and registers of other machines."""
    isa = replace(host_isa(), lanes=vectors[0], registers=vectors[1])
    monkeypatch.setattr(program, "host_isa", lambda: isa)
    for number, (window, picture) in enumerate([*ALL[:4], *ALL[7:11]]):
        dtype = (np.float32, np.float64)[number % 2]
        graph, feeds = _convolution(picture, dtype, number, 2 - window // 2, window)
        made = NativeProgram(graph, 2, ObjectCache(tmp_path))
        assert _winograds(made) or window == 2
        wanted = _exact(picture, feeds, 2 - window // 2, window)
        for name, actual in made.run(1, feeds).items():
            lost = np.abs(actual - wanted[name]).max() / np.abs(wanted[name]).max()
            assert lost < _LOST[window] * np.finfo(dtype).eps, name


@pytest.mark.parametrize(
    ("window", "picture"),
    [
        (3, PICTURES[1]),
        (3, (16, 12, 12, 32, 48, 1)),
        (2, OF_TWO[1]),
        (2, (16, 13, 13, 32, 48, 1)),
    ],
)
def test_any_number_of_threads_gives_the_same_bits(window: int, picture: Picture) -> None:
    graph, feeds = _convolution(picture, np.float32, window=window)
    first, *others = (NativeProgram(graph, threads).run(1, feeds) for threads in (1, 2, 3, 5))
    for other in others:
        for name, actual in first.items():
            assert np.array_equal(actual, other[name]), name


@pytest.mark.parametrize(("window", "times"), [(3, 2), (2, 3)])
@pytest.mark.parametrize("channels", [32, 256])
def test_as_exact_as_a_direct_sum_nearly(
    window: int, times: int, channels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is at most so many times that of direct sums in float32, which are compiled too."""
    picture = (4, 16, 16, channels, 32, 1)
    graph, feeds = _convolution(picture, np.float32, padding=window - 2, window=window)
    wanted = _exact(picture, feeds, window - 2, window)
    tiled = NativeProgram(graph, 1, ObjectCache(tmp_path / "tiled"))
    monkeypatch.setattr(kernel, "winograd_of", lambda *_: None)
    sums = NativeProgram(graph, 1, ObjectCache(tmp_path / "sums"))
    assert _winograds(tiled) and not _winograds(sums)
    direct = sums.run(1, feeds)
    for name, actual in tiled.run(1, feeds).items():
        lost, least = (np.std(each - wanted[name]) for each in (actual, direct[name]))
        assert lost < times * least, name


@pytest.mark.parametrize("size", [(8, 8), (7, 9)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_reaches_only_results_that_read_it(
    size: tuple[int, int], value: float
) -> None:
    for row in range(size[0]):
        graph, feeds = _convolution((2, *size, 16, 16, 1), np.float32)
        feeds["x"][0, 1, row, row % size[1], 3] = value
        wanted = g.Reference().build(graph).run(1, feeds)
        actual = NativeProgram(graph, 1).run(1, feeds)
        for name in ("y", "dx"):
            assert np.array_equal(np.isfinite(actual[name]), np.isfinite(wanted[name])), name
        # In the window it may reach every element, but only of that channel.
        assert not np.isfinite(actual["dw"][~np.isfinite(wanted["dw"])]).any()
        assert np.isfinite(np.delete(actual["dw"], 3, axis=3)).all()


@pytest.mark.parametrize("size", [(9, 9), (8, 13)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_in_tiles_of_four_it_stays_in_its_image(size: tuple[int, int], value: float) -> None:
    """Windows of 2 × 2: results of the same tile may be NaN too, those of other images are not."""
    for row in range(size[0]):
        graph, feeds = _convolution((2, *size, 32, 32, 1), np.float32, padding=0, window=2)
        feeds["x"][0, 1, row, row % size[1], 3] = value
        wanted = g.Reference().build(graph).run(1, feeds)
        made = NativeProgram(graph, 1)
        assert _winograds(made)
        actual = made.run(1, feeds)
        assert not np.isfinite(actual["y"][~np.isfinite(wanted["y"])]).any()
        assert np.isfinite(actual["y"][0, 0]).all() and np.isfinite(actual["dx"]).all()
        assert not np.isfinite(actual["dw"][~np.isfinite(wanted["dw"])]).any()
        assert np.isfinite(np.delete(actual["dw"], 3, axis=3)).all()


@pytest.mark.parametrize("window", [2, 3])
def test_nothing_beyond_an_operand_is_read(window: int) -> None:
    """Around the picture and beyond its channels all is NaN."""
    for rows, columns in ((8, 8), (7, 9)) if window == 3 else ((7, 7), (6, 11)):
        around = np.full((2, rows + 4, columns + 4, 40), np.nan, np.float32)
        around[:, 1:-1, 1:-1, 3:20] = 1.0
        x = g.variable(around, "x")[:, 1:-1, 1:-1, 3:20]
        w = g.variable(np.full((window, window, 17, 20), 0.5, np.float32), "w")
        made = NativeProgram(Graph({"y": g.convolve(x, w).node}))
        assert _winograds(made)
        assert np.allclose(made.run(1)["y"], window**2 * 17 * 0.5, rtol=1e-6)


@pytest.mark.parametrize(
    ("window", "channels", "settings"),
    [
        ((3, 3), 16, {"stride": 2}),
        ((3, 3), 16, {"dilation": 2}),
        ((5, 5), 16, {}),
        ((3, 3), 2, {}),
        ((3, 3), 32, {"groups": 32}),
    ],
)
def test_others_are_summed_directly(
    window: tuple[int, int], channels: int, settings: dict[str, Any]
) -> None:
    x = g.placeholder("x", (2, 12, 12, channels), np.float32)
    inside = channels // settings.get("groups", 1)
    w = g.placeholder("w", (*window, inside, 32), np.float32)
    assert not _winograds(NativeProgram(Graph({"y": g.convolve(x, w, **settings).node})))
