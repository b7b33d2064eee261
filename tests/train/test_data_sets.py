"""Data sets of HDF5 and Zarr files train as the arrays that they hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn

DICE = np.random.default_rng(0)
X = DICE.normal(size=(200, 6)).astype(np.float32)
Y = (2.0 * X[:, :1] + X[:, 1:2]).astype(np.float32)


def _hdf5(path: Path) -> tuple[Any, Any]:
    file = pytest.importorskip("h5py").File(path / "rows.h5", "w")
    file["x"], file["y"] = X, Y
    return file["x"], file["y"]


def _zarr(path: Path) -> tuple[Any, Any]:
    group = pytest.importorskip("zarr").open_group(path / "rows.zarr", mode="w")
    return (
        group.create_array("x", data=X, chunks=(64, 6)),
        group.create_array("y", data=Y, chunks=(64, 1)),
    )


def _losses(x: Any, y: Any) -> list[dict[str, float | None]]:
    net = nn.Sequential(nn.Linear(8), nn.Tanh(), nn.Linear(1))
    run = pel.fit(
        net, (x, y), loss=nn.MeanSquaredError(), epochs=2, batch_size=32, seed=1, progress=False
    )
    return [dict(evaluated.measures) for evaluated in run.history]


@pytest.mark.parametrize("stored", [_hdf5, _zarr])
def test_as_arrays(stored: Callable[[Path], tuple[Any, Any]], tmp_path: Path) -> None:
    x, y = stored(tmp_path)
    assert _losses(x, y) == _losses(X, Y)
    assert _losses(x, Y) == _losses(X, Y)
