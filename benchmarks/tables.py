"""`python -m benchmarks.tables`: real tables through the command line, beside scikit-learn.

Each table is split into four fifths to train on and a held-out fifth (seeded, stratified for
classes). `pellucid fit` gets the first with no option but --target, scikit-learn's MLP with its
defaults gets the same file, and both are measured on the second.

A single held-out fifth of a small table is mostly luck: --splits K repeats everything over K
different fifths and prints the mean, the mean paired difference and its standard error.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contestants import CommandError, Score, Trial, pellucid, sklearn
from benchmarks.datasets import Dataset, named

if TYPE_CHECKING:
    import pandas as pd

METRICS = {"classification": ("accuracy", "log_loss", "auc"), "regression": ("r2", "rmse")}
LOWER_IS_BETTER = ("log_loss", "rmse")
SAME = 1e-9


@dataclass(frozen=True)
class Line:
    """One metric of one table.

    difference: mean over the splits of (pellucid - scikit-learn), paired, seeds averaged first.
    error:      its standard error over the splits; None for a single split.
    seconds:    mean seconds of training: `pellucid fit` as a process, scikit-learn's fit alone.
    """

    table: str
    rows: int
    columns: int
    metric: str
    pellucid: float
    sklearn: float
    difference: float
    error: float | None
    verdict: str
    pellucid_seconds: float
    sklearn_seconds: float


def compare(dataset: Dataset, splits: int, seeds: int, say: Callable[[str], None]) -> list[Line]:
    """Train both on every split with every seed; a line for each metric."""
    frame = dataset.load().dropna(subset=[dataset.target])
    pairs: list[list[tuple[Score, Score]]] = []
    with tempfile.TemporaryDirectory() as folder:
        for split in range(splits):
            trials = prepare(dataset, frame, Path(folder) / str(split), split, seeds)
            say(f"{dataset.name}: held-out fifth {split + 1} of {splits}")
            pairs.append([(pellucid(trial), sklearn(trial)) for trial in trials])
    shape = (len(frame), frame.shape[1] - 1 - len(dataset.drop))
    return [line(dataset.name, shape, metric, pairs) for metric in METRICS[dataset.task]]


def prepare(
    dataset: Dataset, frame: pd.DataFrame, folder: Path, split: int, seeds: int
) -> Iterator[Trial]:
    """Write the two parts as CSV; a trial for each seed."""
    from sklearn.model_selection import train_test_split

    labels = frame[dataset.target] if dataset.task == "classification" else None
    parts = train_test_split(frame, test_size=0.2, random_state=split, stratify=labels)
    folder.mkdir()
    paths = folder / "train.csv", folder / "test.csv"
    for part, path in zip(parts, paths, strict=True):
        part.to_csv(path, index=False)
    for seed in range(seeds):
        yield Trial(*paths, dataset.target, dataset.task, dataset.drop, seed)


def line(
    name: str, shape: tuple[int, int], metric: str, pairs: list[list[tuple[Score, Score]]]
) -> Line:
    """Sum up one metric: the mean over seeds first, then over splits."""
    ours = [statistics.fmean(our.metrics[metric] for our, _ in split) for split in pairs]
    theirs = [statistics.fmean(their.metrics[metric] for _, their in split) for split in pairs]
    differences = [our - their for our, their in zip(ours, theirs, strict=True)]
    mean = statistics.fmean(differences)
    error = statistics.stdev(differences) / len(pairs) ** 0.5 if len(pairs) > 1 else None
    every = [pair for split in pairs for pair in split]
    return Line(
        name,
        *shape,
        metric,
        statistics.fmean(ours),
        statistics.fmean(theirs),
        mean,
        error,
        verdict(-mean if metric in LOWER_IS_BETTER else mean, error),
        statistics.fmean(our.seconds for our, _ in every),
        statistics.fmean(their.seconds for _, their in every),
    )


def verdict(gain: float, error: float | None) -> str:
    """Better, worse or even; "within noise" below two standard errors, if they are known."""
    if abs(gain) <= SAME:
        return "even"
    word = "better" if gain > 0 else "worse"
    within = error is not None and abs(gain) < 2 * error
    return f"{word}, within noise" if within else word


HEADER = (
    *("table", "rows", "columns", "metric", "pellucid", "sklearn", "difference"),
    *("verdict", "pellucid s", "sklearn s"),
)


def page(lines: list[Line]) -> list[str]:
    """The lines as a Markdown table, a table's name and size written once."""
    rows: list[tuple[str, ...]] = [HEADER]
    for index, it in enumerate(lines):
        first = index == 0 or lines[index - 1].table != it.table
        spread = "" if it.error is None else f" ±{it.error:.4f}"
        rows.append(
            (
                *((it.table, f"{it.rows:,}", str(it.columns)) if first else ("", "", "")),
                it.metric.replace("_", " "),
                f"{it.pellucid:.4f}",
                f"{it.sklearn:.4f}",
                f"{it.difference:+.4f}{spread}",
                it.verdict,
                *(
                    (f"{it.pellucid_seconds:.1f}", f"{it.sklearn_seconds:.1f}")
                    if first
                    else ("",) * 2
                ),
            )
        )
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    text = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    return [text[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *text[1:]]


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("tables", nargs="*", help="which tables [default: the usual eight]")
    parser.add_argument("--all", action="store_true", help="also tables no rule was chosen with")
    parser.add_argument("--splits", type=int, default=1, help="held-out fifths [default: 1]")
    parser.add_argument("--seeds", type=int, default=1, help="seeds for each [default: 1]")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(words)
    if options.splits < 1 or options.seeds < 1:
        parser.error("--splits and --seeds are at least 1")
    try:
        options.datasets = named(options.tables, options.all)
    except ValueError as error:
        parser.error(str(error))
    return options


def main() -> int:
    """Run the comparison; 1 if a command failed."""
    asked = arguments()
    lines: list[Line] = []
    failures: dict[str, str] = {}
    for dataset in asked.datasets:
        try:
            lines += compare(
                dataset, asked.splits, asked.seeds, lambda text: print(text, file=sys.stderr)
            )
        except CommandError as error:
            failures[dataset.name] = str(error)
    if asked.json:
        print(json.dumps({"lines": [asdict(it) for it in lines], "failures": failures}))
    else:
        print("\n".join(page(lines)) if lines else "No table was measured.")
        for name, why in failures.items():
            print(f"{name}: {why}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
