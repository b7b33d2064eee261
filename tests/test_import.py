"""Importing Pellucid brings NumPy and nothing else that is heavy."""

import subprocess
import sys

HEAVY = [
    "duckdb",
    "narwhals",
    "rich",
    "typer",
    "safetensors",
    "llvmlite",
    "plotly",
    "PIL",
    "torch",
    "pandas",
    "polars",
    "sklearn",
    "scipy",
]


def loaded_by(statement: str) -> set[str]:
    """Modules that a fresh interpreter has after a statement."""
    code = f"{statement}; import sys; print(' '.join(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(shown.stdout.split())


def test_importing_is_light() -> None:
    assert loaded_by("import pellucid").isdisjoint(HEAVY)


def test_upper_floors_load_when_asked_for() -> None:
    found = loaded_by("import pellucid; pellucid.nn.Linear; pellucid.fit")
    assert {"pellucid.nn", "pellucid.train"} <= found
    assert found.isdisjoint(HEAVY)
