"""Imports go down only; files stay short; no pickle; nothing left to do."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "pellucid"
GROUND = {"errors", "check", "spec"}
MAY_IMPORT = {
    "errors": set(),
    "check": set(),
    "spec": {"errors"},
    "graph": GROUND,
    "compile": GROUND | {"graph"},
    "nn": GROUND | {"graph"},
    "optim": GROUND | {"graph"},
    "data": GROUND | {"graph"},
    "train": GROUND | {"graph", "compile", "nn", "optim", "data"},
    "cli": GROUND | {"graph", "compile", "nn", "optim", "data", "train"},
}
OUTSIDE = {
    "graph": {"numpy"},
    "compile": {"numpy", "llvmlite"},
    "nn": {"numpy"},
    "optim": {"numpy"},
    "data": {"numpy", "duckdb", "narwhals"},
    "train": {"numpy", "safetensors", "rich"},
    "cli": {"numpy", "duckdb", "typer", "rich"},
}
MOST_LINES = 450


def violations(root: Path) -> list[str]:
    """Every import of a file below `root` that its floor may not make, and other broken rules."""
    found = []
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root)
        floor = place.parts[0].removesuffix(".py")
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > MOST_LINES:
            found.append(f"{place}: more than {MOST_LINES} lines")
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text):
            found.append(f"{place}: something is left to do")
        for name in imported(ast.parse(text)):
            found.extend(f"{place}: {problem}" for problem in judge(floor, name))
    return found


def imported(tree: ast.Module) -> list[str]:
    """Full names of what a file imports, at its top or inside."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                names.append("relative")
            elif node.module == "pellucid":
                names += [f"pellucid.{alias.name}" for alias in node.names]
            else:
                names.append(node.module or "")
    return names


def judge(floor: str, name: str) -> list[str]:
    """What is wrong with `name` being imported on `floor`."""
    import sys

    first, *rest = name.split(".")
    if first == "relative":
        return ["a relative import"]
    if first in ("pickle", "marshal", "shelve", "dill", "cloudpickle"):
        return [f"imports {name}, which runs what it loads"]
    if first != "pellucid":
        known = first in sys.stdlib_module_names or first in OUTSIDE.get(floor, set())
        return [] if known or floor.startswith("__") else [f"imports {name}"]
    if floor.startswith("__") or not rest or rest[0] == floor:
        return []
    allowed = MAY_IMPORT.get(floor)
    if allowed is None:
        return [f"{floor} is not a floor of the architecture"]
    return [] if rest[0] in allowed else [f"imports {name}, which is not below {floor}"]


def test_the_package_keeps_the_rules() -> None:
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("graph/a.py", "from pellucid.nn import Linear", "imports pellucid.nn, which is not below"),
        ("nn/a.py", "def f():\n    from pellucid import optim", "imports pellucid.optim"),
        ("compile/a.py", "import pellucid.nn.linear", "imports pellucid.nn.linear"),
        ("graph/a.py", "import duckdb", "imports duckdb"),
        ("train/a.py", "import pickle", "runs what it loads"),
        ("nn/a.py", "from . import b", "a relative import"),
        ("data/a.py", "x = 1\n" * 500, "more than 450 lines"),
        ("data/a.py", "# TO" + "DO: later", "left to do"),
        ("other/a.py", "import pellucid.graph", "not a floor"),
    ],
)
def test_a_broken_rule_is_found(tmp_path: Path, path: str, text: str, problem: str) -> None:
    file = tmp_path / path
    file.parent.mkdir()
    file.write_text(text)
    found = violations(tmp_path)
    assert len(found) == 1
    assert problem in found[0]
