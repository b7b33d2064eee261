"""What the claims share: options, images, training, choosing a rate, tables."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

import pellucid as pel
from examples.fashion import FOLDER, images, labels
from pellucid import nn, optim

PLOTS = Path(__file__).parents[2] / "build" / "claims"
CHOOSING_SEED = 1000
HELD_OUT = 2_000
TESTED = 5_000
Pair = tuple[NDArray[np.float32], NDArray[np.int32]]
T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """How a claim is run. seeds: how many. folder: of the images. out: of the plots."""

    seeds: int
    folder: Path
    out: Path
    quick: bool

    def pick(self, usual: T, quick: T) -> T:
        """The usual size of something, or the one that only shows that everything runs."""
        return quick if self.quick else usual


def options(description: str | None, arguments: Sequence[str] | None = None) -> Options:
    """--seeds, --data, --out and --quick of every claim."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=FOLDER, help="the folder of Fashion-MNIST")
    parser.add_argument("--out", type=Path, default=PLOTS, help="the folder of the plots")
    parser.add_argument(
        "--quick", action="store_true", help="seconds on made-up images: shows only that it runs"
    )
    parsed = parser.parse_args(arguments)
    return Options(parsed.seeds, parsed.data, parsed.out, parsed.quick)


@dataclass(frozen=True)
class Images:
    """Rows to train on, rows held out to choose settings by, and rows to measure results on."""

    train: Pair
    held_out: Pair
    test: Pair


def fashion(chosen: Options, rows: int, small: bool = False) -> Images:
    """The first `rows` training images of Fashion-MNIST, the last ones held out, and test images.

    small: 14 × 14, each pixel the mean of 2 × 2. With --quick: images that are made up.
    """
    if chosen.quick:
        return made_up(rows, 8 if small else 28)
    if not chosen.folder.exists():
        sys.exit(
            f"{chosen.folder} does not exist: apt install dataset-fashion-mnist, "
            "or name the folder of its files by --data"
        )
    parts: list[Pair] = []
    for part in ("train", "t10k"):
        x = images(chosen.folder / f"{part}-images-idx3-ubyte.gz")
        if small:
            x = x.reshape(-1, 14, 2, 14, 2, 1).mean((2, 4))
        parts.append((x, labels(chosen.folder / f"{part}-labels-idx1-ubyte.gz")))
    (x, y), (x_test, y_test) = parts
    return Images(
        (x[:rows], y[:rows]),
        (x[-HELD_OUT:], y[-HELD_OUT:]),
        (x_test[:TESTED], y_test[:TESTED]),
    )


def made_up(rows: int, side: int) -> Images:
    """Ten patterns with noise, which any network learns."""
    dice = np.random.default_rng(0)
    patterns = dice.normal(size=(10, side, side, 1))

    def some(count: int) -> Pair:
        y = np.arange(count, dtype=np.int32) % 10
        x = patterns[y] + 0.5 * dice.normal(size=(count, side, side, 1))
        return x.astype(np.float32), y

    return Images(some(rows), some(20), some(20))


@dataclass(frozen=True)
class Curves:
    """Errors in per cent after each epoch, the first before any; a run that diverged ends early."""

    train: list[float]
    measured: list[float]
    diverged: bool


def trained(
    net: nn.Module,
    train: Pair,
    measured: Pair,
    seed: int,
    epochs: int,
    optimizer: optim.Optimizer,
    batch: int,
    schedule: optim.Schedule | None = None,
) -> Curves:
    """A network trained for exactly so many epochs, measured on other rows after each."""
    run = pel.fit(
        net,
        train,
        validation=measured,
        optimizer=optimizer,
        batch_size=batch,
        epochs=epochs,
        schedule=schedule,
        patience=0,
        seed=seed,
        progress=False,
        measure_train=True,
    )
    return Curves(
        [100 * (1 - entry.measures["train.accuracy"]) for entry in run.history],
        [100 * (1 - entry.measures["validation.accuracy"]) for entry in run.history],
        len(run.history) <= epochs,
    )


def best_rate(what: str, rates: Sequence[float], score: Callable[[float], float]) -> float:
    """The learning rate with the lowest score, and a word if it is at the edge of those tried."""
    scores = {rate: score(rate) for rate in rates}
    best = min(scores, key=lambda rate: scores[rate])
    tried = ", ".join(f"{rate:g}: {value:.2f}" for rate, value in scores.items())
    edge = len(rates) > 1 and best in (min(rates), max(rates))
    print(f"{what}: η {best:g} of {tried}{' (at the edge)' if edge else ''}", flush=True)
    return best


def last_error(curves: Curves) -> float:
    """The measured error at the end; infinity if training diverged."""
    return math.inf if curves.diverged else curves.measured[-1]


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their head."""
    cells = [
        list(head),
        *([f"{c:.3g}" if isinstance(c, float) else str(c) for c in r] for r in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Mean ± standard deviation of a sample over the seeds; or that one is infinite."""
    if not np.isfinite(values).all():
        return "not reached"
    return f"{np.mean(values):.{digits}f} ± {deviation(values):.{digits}f}"


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of a sample, 0 for one value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def verdict(claim: str, holds: bool) -> int:
    """Print whether the claim was found; the exit code."""
    print(f"{'found' if holds else 'NOT FOUND'}: {claim}")
    return int(not holds)
