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
)


def _convolution(
    picture: Picture, dtype: Any, seed: int = 0, padding: int = 1
) -> tuple[Graph, dict[str, Array]]:
    """A convolution with an epilogue, its gradients, and what is fed."""
    n, rows, columns, channels, outputs, groups = picture
    dice = np.random.default_rng(seed)
    x = g.placeholder("x", (n, rows, columns, channels), dtype)
    w = g.placeholder("w", (3, 3, channels // groups, outputs), dtype)
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


def _exact(picture: Picture, feeds: dict[str, Array], padding: int = 1) -> dict[str, Array]:
    """In float64, by NumPy."""
    graph, _ = _convolution(picture, np.float64, padding=padding)
    wide = {name: value.astype(np.float64) for name, value in feeds.items()}
    return g.Reference().build(graph).run(1, wide)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("padding", [0, 1])
def test_sums_are_right(picture: Picture, dtype: Any, padding: int) -> None:
    graph, feeds = _convolution(picture, dtype, padding=padding)
    made = NativeProgram(graph, 2)
    kinds = {work.window_gradient for work in _winograds(made)}
    assert kinds == ({False, True} if min(graph.outputs["y"].shape[1:3]) > 3 else {False})
    wanted = _exact(picture, feeds, padding)
    for name, actual in made.run(1, feeds).items():
        lost = np.abs(actual - wanted[name]).max() / np.abs(wanted[name]).max()
        assert lost < 12 * np.finfo(dtype).eps, name


@pytest.mark.parametrize("vectors", VECTORS)
def test_with_any_vectors(
    vectors: tuple[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Lanes and registers of other machines."""
    isa = replace(host_isa(), lanes=vectors[0], registers=vectors[1])
    monkeypatch.setattr(program, "host_isa", lambda: isa)
    for number, picture in enumerate(PICTURES[:4]):
        dtype = (np.float32, np.float64)[number % 2]
        graph, feeds = _convolution(picture, dtype, number)
        made = NativeProgram(graph, 2, ObjectCache(tmp_path))
        assert _winograds(made)
        wanted = _exact(picture, feeds)
        for name, actual in made.run(1, feeds).items():
            lost = np.abs(actual - wanted[name]).max() / np.abs(wanted[name]).max()
            assert lost < 12 * np.finfo(dtype).eps, name


@pytest.mark.parametrize("picture", [PICTURES[1], (16, 12, 12, 32, 48, 1)])
def test_any_number_of_threads_gives_the_same_bits(picture: Picture) -> None:
    graph, feeds = _convolution(picture, np.float32)
    first, *others = (NativeProgram(graph, threads).run(1, feeds) for threads in (1, 2, 3, 5))
    for other in others:
        for name, actual in first.items():
            assert np.array_equal(actual, other[name]), name


def test_as_exact_as_a_direct_sum_nearly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is at most twice that of direct sums in float32, which are compiled too."""
    picture = (4, 16, 16, 32, 32, 1)
    graph, feeds = _convolution(picture, np.float32)
    wanted = _exact(picture, feeds)
    tiled = NativeProgram(graph, 1, ObjectCache(tmp_path / "tiled"))
    monkeypatch.setattr(kernel, "winograd_of", lambda *_: None)
    sums = NativeProgram(graph, 1, ObjectCache(tmp_path / "sums"))
    assert _winograds(tiled) and not _winograds(sums)
    direct = sums.run(1, feeds)
    for name, actual in tiled.run(1, feeds).items():
        lost, least = (np.std(each - wanted[name]) for each in (actual, direct[name]))
        assert lost < 2 * least, name


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


def test_nothing_beyond_an_operand_is_read() -> None:
    """Around the picture and beyond its channels all is NaN."""
    for rows, columns in ((8, 8), (7, 9)):
        around = np.full((2, rows + 4, columns + 4, 40), np.nan, np.float32)
        around[:, 1:-1, 1:-1, 3:20] = 1.0
        x = g.variable(around, "x")[:, 1:-1, 1:-1, 3:20]
        w = g.variable(np.full((3, 3, 17, 20), 0.5, np.float32), "w")
        made = NativeProgram(Graph({"y": g.convolve(x, w).node}))
        assert _winograds(made)
        assert (made.run(1)["y"] == 9 * 17 * 0.5).all()


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
