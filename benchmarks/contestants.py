"""The two that are compared on a table: `pellucid` by its command line, and scikit-learn's MLP."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Score:
    """Metrics on rows that were not trained on, and the seconds that training took."""

    metrics: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class Trial:
    """One held-out part of one table, as files, and the seed to train with."""

    train: Path
    test: Path
    target: str
    task: str
    drop: tuple[str, ...]
    seed: int


class CommandError(Exception):
    """A command of `pellucid` ended with an error; the message is what it said."""


def pellucid(trial: Trial) -> Score:
    """`pellucid fit` with nothing but --target (and --drop, --seed), then `pellucid evaluate`."""
    run = trial.train.with_name(f"seed{trial.seed}.run")
    options = [word for column in trial.drop for word in ("--drop", column)]
    start = time.perf_counter()
    words = ["fit", trial.train, "--target", trial.target, "--seed", trial.seed, "--out", run]
    _command([*words, "--quiet", *options])
    seconds = time.perf_counter() - start
    evaluated = json.loads(_command(["evaluate", run, trial.test, "--json"]))
    if evaluated["task"] == "regression" and trial.task != "regression":
        raise CommandError(f"took '{trial.target}' for a regression")
    metrics = evaluated["metrics"].items()
    return Score({name: nan if value is None else value for name, value in metrics}, seconds)


def _command(words: list[Any]) -> str:
    command = [sys.executable, "-m", "pellucid", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise CommandError(f"{words[0]} failed: {done.stderr.strip() or done.returncode}")
    return done.stdout


def sklearn(trial: Trial) -> Score:
    """MLPClassifier or MLPRegressor as they come, with the usual preparation of columns."""
    import pandas as pd

    train, test = (_without(pd.read_csv(path), trial) for path in (trial.train, trial.test))
    columns = train.columns.drop(trial.target)
    estimator = _pipeline(train[columns], trial)
    with warnings.catch_warnings():
        # The defaults stop at 200 epochs, which scikit-learn announces by a warning.
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        estimator.fit(train[columns], train[trial.target])
        seconds = time.perf_counter() - start
        if trial.task == "regression":
            metrics = regression(test[trial.target].to_numpy(), estimator.predict(test[columns]))
        else:
            chances = estimator.predict_proba(test[columns])
            metrics = classification(test[trial.target].to_numpy(), chances, estimator.classes_)
    return Score(metrics, seconds)


def _without(frame: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """The rows with a target, without the columns that give it away."""
    return frame.dropna(subset=[trial.target]).drop(columns=list(trial.drop))


def _pipeline(frame: pd.DataFrame, trial: Trial) -> Any:
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    preparation = make_column_transformer(
        (
            make_pipeline(SimpleImputer(), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (
            make_pipeline(
                SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
            ),
            make_column_selector(dtype_exclude="number"),
        ),
    )
    network = MLPRegressor if trial.task == "regression" else MLPClassifier
    return make_pipeline(preparation, network(random_state=trial.seed))


def classification(
    labels: np.ndarray, chances: np.ndarray, classes: np.ndarray
) -> dict[str, float]:
    """Accuracy, log loss and area under the ROC curve (one against the rest, unweighted mean)."""
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

    scores = chances[:, 1] if len(classes) == 2 else chances
    return {
        "accuracy": float(accuracy_score(labels, classes[chances.argmax(axis=1)])),
        "log_loss": float(log_loss(labels, chances, labels=classes)),
        "auc": float(roc_auc_score(labels, scores, multi_class="ovr", labels=classes)),
    }


def regression(values: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """R² and the root of the mean squared error."""
    from sklearn.metrics import r2_score, root_mean_squared_error

    return {
        "r2": float(r2_score(values, predicted)),
        "rmse": float(root_mean_squared_error(values, predicted)),
    }
