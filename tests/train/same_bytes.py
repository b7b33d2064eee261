"""Fits a wide table with gaps, arrays and the penguins, and prints a digest of each model's bytes.

Run as a process of its own: `python -m tests.train.same_bytes`.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import numpy as np

import pellucid as pel
from pellucid import nn
from pellucid.graph import Array
from pellucid.train.storage.folder import MODEL

PENGUINS = Path(__file__).parents[2] / "pellucid" / "data" / "tables" / "penguins.csv"
ROWS, COLUMNS = 2_500, 90


def wide() -> dict[str, Array]:
    """Numbers that depend on each other, some missing, with whole numbers, texts and moments."""
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(ROWS, COLUMNS)) / 20
    for _ in range(3):
        # Much that is shared: rounding shows in the inverse of the covariance. Not by a product of
        # matrices, which would be the library's that this is about.
        mixed += rng.normal(size=(ROWS, 1)) * rng.normal(size=COLUMNS)
    y = mixed[:, 0] + np.sin(mixed[:, 1])
    mixed[:, :8][rng.random((ROWS, 8)) < 0.05] = np.nan
    table = {f"x{place}": column for place, column in enumerate(mixed.T)}
    hour = rng.integers(0, 24, ROWS)
    table["hour"] = hour
    table["where"] = rng.choice(["here", "there", "nowhere"], ROWS)
    table["when"] = np.datetime64("2020-01-01T00:00:00") + hour * np.timedelta64(3600, "s")
    table["y"] = y + (hour % 2)
    return table


def models(folder: Path) -> dict[str, Path]:
    """The folders of three runs."""
    pel.fit_table(wide(), "y", epochs=1, out=folder / "wide", progress=False)
    pel.fit_table(PENGUINS, "species", epochs=3, out=folder / "penguins", progress=False)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3_000, 70)).astype(np.float32)
    start = nn.Orthogonal()
    net = nn.Sequential(
        nn.Linear(300, initializer=start), nn.Tanh(), nn.Linear(3, initializer=start)
    )
    y = (np.abs(x[:, 0]) + x[:, 1] > 0.5).astype(int) + (x[:, 2] > 1)
    pel.fit(net, (x, y), epochs=2, out=folder / "arrays", progress=False)
    return {name: folder / name for name in ("wide", "penguins", "arrays")}


def main() -> None:
    """Print a line for each."""
    with tempfile.TemporaryDirectory() as room:
        for name, folder in models(Path(room)).items():
            content = (folder / MODEL).read_bytes()
            history = (folder / "history.jsonl").read_bytes()
            print(name, hashlib.sha256(content + history).hexdigest())


if __name__ == "__main__":
    main()
