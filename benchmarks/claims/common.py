"""What the claims share: images, training, tables, plots."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import pellucid as pel
from examples.fashion import FOLDER, images, labels
from pellucid import nn, optim
from pellucid.train.run import Run

PLOTS = Path(__file__).parents[2] / "build" / "claims"
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Images:
    """Training and test images with their classes."""

    x: Floats
    y: Ints
    x_test: Floats
    y_test: Ints


def fashion(rows: int, folder: Path, small: bool = False) -> Images:
    """The first `rows` training images and 5,000 test images of Fashion-MNIST; small: 14 × 14."""
    if not folder.exists():
        sys.exit(
            f"{folder} does not exist: apt install dataset-fashion-mnist, or name it by --data"
        )
    found = [images(folder / f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k")]
    if small:
        found = [x.reshape(-1, 14, 2, 14, 2, 1).mean((2, 4)) for x in found]
    classes = [labels(folder / f"{part}-labels-idx1-ubyte.gz") for part in ("train", "t10k")]
    return Images(found[0][:rows], classes[0][:rows], found[1][:5000], classes[1][:5000])


def options(description: str | None, seeds: int = 3) -> argparse.Namespace:
    """--seeds, --data and --quick of every claim."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--data", type=Path, default=FOLDER)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, to try it out")
    return parser.parse_args()


def trained(
    net: nn.Module,
    data: Images,
    seed: int,
    epochs: int,
    optimizer: optim.Optimizer,
    batch: int = 128,
) -> Run:
    """A network trained for so many epochs, measured on the test images after each."""
    return pel.fit(
        net,
        (data.x, data.y),
        validation=(data.x_test, data.y_test),
        optimizer=optimizer,
        batch_size=batch,
        epochs=epochs,
        patience=0,
        seed=seed,
        progress=False,
    )


def errors(run: Run) -> tuple[list[float], list[float]]:
    """Training and test error in per cent after each epoch."""
    train = [100 * (1 - entry.train_metric) for entry in run.history]
    test = [100 * (1 - (entry.validation_metric or 0.0)) for entry in run.history]
    return train, test


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their head."""
    cells = [
        list(head),
        *([f"{c:.3g}" if isinstance(c, float) else str(c) for c in r] for r in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation."""
    return f"{np.mean(values):.2f} ± {np.std(values):.2f}"


def plot(
    name: str,
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x: str,
    y: str,
    logarithmic: bool = False,
) -> None:
    """Write the lines (x and y by label) to build/claims/NAME.html."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for label, (across, up) in lines.items():
        figure.add_trace(go.Scatter(x=list(across), y=list(up), name=label, mode="lines+markers"))
    figure.update_layout(
        template="simple_white", xaxis_title=x, yaxis_title=y, width=800, height=500
    )
    if logarithmic:
        figure.update_xaxes(type="log")
        figure.update_yaxes(type="log")
    PLOTS.mkdir(parents=True, exist_ok=True)
    figure.write_html(PLOTS / f"{name}.html", include_plotlyjs=True)
    print(f"plot: {PLOTS / f'{name}.html'}")


def verdict(claim: str, found: bool) -> int:
    """Say whether the claim was found; the exit code."""
    print(f"{'found' if found else 'NOT FOUND'}: {claim}")
    return int(not found)
