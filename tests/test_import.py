"""Importing Pellucid brings NumPy and nothing else that is heavy; upper floors come when asked."""

import re
import subprocess
import sys
from pathlib import Path

import pellucid

SLOW = {
    "asyncio",
    "concurrent",
    "email",
    "http",
    "multiprocessing",
    "socket",
    "sqlite3",
    "unittest",
}
"""Modules of the standard library that take long to import."""


def loaded_by(statement: str) -> set[str]:
    """Modules that a statement adds to those of a fresh interpreter that has NumPy."""
    code = f"import sys, numpy; before = set(sys.modules); {statement}"
    shown = subprocess.run(
        [sys.executable, "-c", f"{code}; print(' '.join(set(sys.modules) - before))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(shown.stdout.split())


def outsiders(loaded: set[str]) -> set[str]:
    """Packages that are not Pellucid's, NumPy's or the standard library's, and what is slow of it."""
    # NumPy's random numbers bring Cython's own modules.
    packages = {name.partition(".")[0] for name in loaded if "cython_" not in name}
    return packages - (set(sys.stdlib_module_names) - SLOW) - {"pellucid", "numpy"}


def test_importing_brings_numpy_and_nothing_else() -> None:
    loaded = loaded_by("import pellucid")
    assert "pellucid.graph" in loaded
    assert outsiders(loaded) == set()
    floors = {name.split(".")[1] for name in loaded if name.startswith("pellucid.")}
    assert floors == {
        "command",
        "errors",
        "check",
        "hints",
        "keywords",
        "limits",
        "plain",
        "schema",
        "graph",
        "compile",
    }
    assert not {name for name in loaded if name.startswith("pellucid.compile.native")}
    assert len(loaded) < 60


def test_upper_floors_load_when_asked_for() -> None:
    loaded = loaded_by("import pellucid; pellucid.nn.Linear; pellucid.fit")
    assert {"pellucid.nn", "pellucid.train"} <= loaded
    assert outsiders(loaded) == set()


def test_the_command_starts_without_what_it_may_need_later() -> None:
    loaded = loaded_by("import pellucid.cli.main")
    assert "typer" in loaded
    assert not loaded & {"duckdb", "llvmlite", "narwhals", "safetensors", "pellucid.train"}


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
