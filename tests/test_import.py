"""Importing Pellucid brings NumPy and nothing else that is heavy; upper floors come when asked."""

import re
import subprocess
import sys
from pathlib import Path

import pellucid

HEAVY = {
    "PIL",
    "duckdb",
    "llvmlite",
    "narwhals",
    "pandas",
    "plotly",
    "polars",
    "pyarrow",
    "rich",
    "safetensors",
    "scipy",
    "sklearn",
    "torch",
    "typer",
}


def loaded_by(statement: str) -> set[str]:
    """Modules that a fresh interpreter has after a statement."""
    code = f"{statement}; import sys; print(' '.join(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(shown.stdout.split())


def test_importing_is_light() -> None:
    loaded = loaded_by("import pellucid")
    assert "pellucid.graph" in loaded
    assert loaded & HEAVY == set()
    assert loaded & {"pellucid.nn", "pellucid.data", "pellucid.train", "pellucid.cli"} == set()


def test_upper_floors_load_when_asked_for() -> None:
    loaded = loaded_by("import pellucid; pellucid.nn.Linear; pellucid.fit")
    assert {"pellucid.nn", "pellucid.train"} <= loaded
    assert loaded & HEAVY == set()


def test_every_public_name_is_there() -> None:
    assert sorted(set(pellucid.__all__)) == sorted(pellucid.__all__)
    for name in pellucid.__all__:
        assert getattr(pellucid, name) is not None
        assert name in dir(pellucid)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(pellucid, "fitt")


def test_the_changelog_tells_of_this_version() -> None:
    text = (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", text, re.M)
    assert newest is not None
    assert newest[1] == pellucid.__version__
