"""The rules of the package's files, checked by reading them: floors, length, nothing that runs data."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

GROUND = {
    "errors",
    "check",
    "schema",
    "limits",
    "container",
    "parts",
    "plain",
    "spec",
    "hints",
    "keywords",
}
SIDE_BY_SIDE = {"compile", "nn", "optim", "data"}
TRAIN = GROUND | {"graph"} | SIDE_BY_SIDE | {"train"}
FLOORS: dict[str, set[str]] = {
    "errors": set(),
    "check": set(),
    "hints": set(),
    "keywords": {"hints"},
    "command": set(),
    "schema": {"errors", "check"},
    "limits": {"errors"},
    "container": {"errors", "schema"},
    "parts": {"errors"},
    "plain": {"errors", "schema", "check"},
    "spec": {"errors", "schema", "parts", "plain", "check"},
    "graph": GROUND,
    **{floor: GROUND | {"graph"} for floor in SIDE_BY_SIDE},
    "train": TRAIN,
    "report": TRAIN,
    "sklearn": TRAIN,
    "cli": TRAIN | {"report", "command"},
    "__main__": {"cli"},
}
OUTSIDE: dict[str, set[str]] = {
    "container": {"numpy", "safetensors"},
    "plain": {"numpy"},
    "graph": {"numpy"},
    "compile": {"numpy", "llvmlite"},
    "nn": {"numpy"},
    "optim": {"numpy"},
    "data": {"numpy", "duckdb", "narwhals"},
    "train": {"numpy", "safetensors", "rich"},
    "report": {"numpy", "plotly"},
    "sklearn": {"numpy", "sklearn"},
    "cli": {"numpy", "duckdb", "typer", "rich"},
}
RUNS_WHAT_IT_LOADS = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
RUNS_TEXT = {"eval", "exec", "__import__", "import_module"}
MOST_LINES = 450


def violations(root: Path) -> list[str]:
    """Every broken rule of the files below `root`, a package laid out in floors."""
    return [
        f"{path.relative_to(root).as_posix()}: {problem}"
        for path in sorted(root.rglob("*.py"))
        for problem in problems(path.read_text(encoding="utf-8"), path.relative_to(root))
    ]


def problems(text: str, place: Path) -> Iterator[str]:
    """What is wrong with one file; only the package's own __init__ may import from any floor."""
    floor = place.parts[0].removesuffix(".py")
    if len(text.splitlines()) > MOST_LINES:
        yield f"more than {MOST_LINES} lines"
    if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text):
        yield "something is left to do"
    tree = ast.parse(text)
    for name in imported(tree):
        yield from judge_import(floor, name)
    if floor != "__init__":
        yield from running(tree)


def imported(tree: ast.Module) -> Iterator[str]:
    """Full names of what a file imports: at its top, inside functions or for type checkers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            if node.module is None or node.module == "pellucid":
                yield from (f"{dots}{node.module or ''}.{alias.name}" for alias in node.names)
            else:
                yield dots + node.module


def judge_import(floor: str, name: str) -> Iterator[str]:
    """What is wrong with `name` being imported on `floor`."""
    first, *rest = name.split(".")
    if first == "":
        yield f"imports {name}, relatively"
    elif first in RUNS_WHAT_IT_LOADS:
        yield f"imports {name}, which runs what it loads"
    elif first == "pellucid":
        yield from judge_floor(floor, rest[0] if rest else "__init__")
    elif first not in sys.stdlib_module_names | OUTSIDE.get(floor, set()):
        yield f"imports {name}, which {floor} does without"


def judge_floor(floor: str, other: str) -> Iterator[str]:
    """What is wrong with `floor` importing the floor `other`."""
    if floor == "__init__" or floor == other:
        return
    if floor not in FLOORS:
        yield f"{floor} is not a floor of the architecture"
    elif other == "__init__":
        yield "imports pellucid itself, through which every floor can be reached"
    elif other != "__version__" and other not in FLOORS[floor]:
        yield f"imports pellucid.{other}, which is not below {floor}"


def running(tree: ast.Module) -> Iterator[str]:
    """Calls that run text, import by a name made at run time, or let NumPy unpickle."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
        if name in RUNS_TEXT and (isinstance(called, ast.Name) or name == "import_module"):
            yield f"line {node.lineno}: calls {name}"
        for keyword in node.keywords:
            allows = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            if keyword.arg == "allow_pickle" and not allows:
                yield f"line {node.lineno}: allows pickle"
