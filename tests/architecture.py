"""The rules of the package's files, checked by reading them.

Imports go down: from floor to floor, and within the compiler from stage to stage, never in circles.
Files are short, and nothing runs what it loads.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
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
    "data": {"numpy", "duckdb", "narwhals", "charset_normalizer"},
    "train": {"numpy", "safetensors", "rich"},
    "report": {"numpy", "plotly"},
    "sklearn": {"numpy", "sklearn"},
    "cli": {"numpy", "duckdb", "typer", "rich"},
}
FACTS = {"op_facts", "shapes", "element", "machine", "convolution"}
STAGES: dict[str, set[str]] = {
    **{name: set() for name in FACTS | {"environment", "forks"}},
    "passes": FACTS,
    "plan": FACTS,
    "tile": FACTS | {"plan"},
    "loop": FACTS,
    "vmath": {"loop"},
    "emit": FACTS | {"plan", "tile", "loop", "vmath", "native.isa"},
    "native": {"loop", "forks", "environment"},
    "code": FACTS | {"environment", "passes", "plan", "tile", "emit", "loop", "native"},
    "verified": {"code", "plan", "emit", "loop"},
    "pointers": {"plan", "emit"},
    "turns": {"op_facts", "native", "pointers", "program"},
    "program": {"code", "pointers", "verified", "environment", "forks", "plan", "emit", "native"},
    "executor": {"op_facts", "program"},
    "op_check": {"op_facts", "program"},
    "lowering": {"op_facts", "emit", "loop"},
    "explain": FACTS | {"plan", "tile", "emit", "loop", "native", "code", "program"},
    "function": {"program", "explain"},
    "__init__": {"executor", "forks", "function", "lowering", "op_check"},
}
"""The parts of the compiler, and what each may import of the others: no stage knows those after it."""
WITHOUT_CIRCLES = ("cli", "compile", "data", "graph", "nn", "optim", "train")
"""The folders whose files import each other in no circle: at their top, in functions, or for types."""
RUNS_WHAT_IT_LOADS = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
RUNS_TEXT = {"eval", "exec", "__import__", "import_module"}
MOST_LINES = 400


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
        if floor == "compile":
            yield from judge_stage(place.parts[1].removesuffix(".py"), name)
    if floor != "__init__":
        yield from running(tree)


def imported(tree: ast.Module) -> Iterator[str]:
    """Full names of what a file imports: at its top, inside functions or for type checkers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            if node.module in (None, "pellucid", "pellucid.compile"):
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


def judge_stage(stage: str, name: str) -> Iterator[str]:
    """What is wrong with a stage of the compiler importing `name`."""
    package, floor, other, *rest = [*name.split("."), "", ""][:4]
    if (package, floor) != ("pellucid", "compile") or stage == other:
        return
    if stage not in STAGES:
        yield f"{stage} is not a stage of the compiler"
    elif other not in STAGES[stage] and ".".join([other, *rest]) not in STAGES[stage]:
        yield f"imports compile.{other}, which is not before {stage}"


def circles(root: Path, folder: str) -> list[list[str]]:
    """The groups of modules of a folder that import each other, directly or not."""
    trees = {
        ".".join((root.name, *path.relative_to(root).with_suffix("").parts)): path
        for path in (root / folder).rglob("*.py")
    }
    graph = {
        name: {other for other in modules(ast.parse(path.read_text("utf-8"))) if other in trees}
        for name, path in trees.items()
    }
    reach = {name: reachable(graph, name) for name in graph}
    together = {
        frozenset(other for other in reach[name] if name in reach[other])
        for name in graph
        if name in reach[name]
    }
    return sorted(sorted(group) for group in together)


def modules(tree: ast.Module) -> Iterator[str]:
    """Every name that a file imports, in full: modules, and what is imported from modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """The nodes that a walk of at least one edge can reach."""
    seen: set[str] = set()
    pending = list(graph[start])
    while pending:
        here = pending.pop()
        if here not in seen:
            seen.add(here)
            pending.extend(graph[here])
    return seen


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
