"""The package keeps the rules of `architecture.py`, and a planted violation of each is found."""

import re
from pathlib import Path

import pytest

from tests.architecture import OUTSIDE, WITHOUT_CIRCLES, circles, violations

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pellucid"


def test_the_package_keeps_the_rules() -> None:
    assert violations(PACKAGE) == []


def test_files_that_the_description_names_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.py)`", text))
    folders = ("", "compile", "compile/passes", "train")
    roots = [ROOT, *(PACKAGE / folder for folder in folders)]
    assert len(named) > 50
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []


def test_every_floor_has_files() -> None:
    floors = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")}
    assert {"graph", "compile", "nn", "optim", "data", "train", "cli"} <= floors


BROKEN = [
    ("graph/a.py", "from pellucid.nn import Linear", "pellucid.nn, which is not below graph"),
    ("graph/a.py", "from pellucid import nn", "pellucid.nn, which is not below graph"),
    ("graph/deep/a.py", "import pellucid.train.fit", "pellucid.train, which is not below graph"),
    ("graph/a.py", "import duckdb", "imports duckdb"),
    ("graph/a.py", "import pellucid", "through which every floor can be reached"),
    ("nn/a.py", "def f():\n    from pellucid import optim", "pellucid.optim"),
    ("nn/a.py", "from . import b", "relatively"),
    ("nn/a.py", "from ..train.fit import fit", "relatively"),
    ("compile/a.py", "import pellucid.nn.layers.linear", "pellucid.nn, which is not below compile"),
    ("data/a.py", "if TYPE_CHECKING:\n    from pellucid.train import Run", "pellucid.train"),
    ("optim/a.py", "from pellucid.data import Table", "pellucid.data"),
    ("train/a.py", "from pellucid.cli import main", "pellucid.cli, which is not below train"),
    ("train/a.py", "import torch", "imports torch"),
    ("train/a.py", "import pickle", "runs what it loads"),
    ("train/a.py", "from importlib import import_module\nimport_module(name)", "import_module"),
    ("train/a.py", "eval(text)", "calls eval"),
    ("train/a.py", "np.load(path, allow_pickle=True)", "allows pickle"),
    ("data/a.py", "x = 1\n" * 500, "more than 400 lines"),
    ("data/a.py", "# TO" + "DO: later", "left to do"),
    ("other/a.py", "import pellucid.graph", "not a floor"),
    ("compile/plan/a.py", "from pellucid.compile.emit.nest import x", "emit, which is not before"),
    ("compile/plan/a.py", "from pellucid.compile.tile.tiles import Tiling", "compile.tile"),
    (
        "compile/passes/a.py",
        "def f():\n    from pellucid.compile.plan import index",
        "compile.plan",
    ),
    ("compile/tile/a.py", "from pellucid.compile.loop.ir import Kind", "compile.loop"),
    (
        "compile/emit/a.py",
        "from pellucid.compile.native.cache import ObjectCache",
        "compile.native",
    ),
    ("compile/op_facts.py", "from pellucid.compile import vmath", "compile.vmath"),
    ("compile/other/a.py", "from pellucid.compile.plan import index", "not a stage"),
    ("errors.py", "from pellucid.graph import Node", "not below errors"),
]


@pytest.mark.parametrize(("path", "text", "problem"), BROKEN)
def test_a_broken_rule_is_found(tmp_path: Path, path: str, text: str, problem: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    found = violations(tmp_path)
    assert len(found) == 1
    assert found[0].startswith(f"{path}: ")
    assert problem in found[0]


KEPT = [
    ("graph/a.py", "import math\nimport numpy as np\nfrom pellucid.errors import DataError"),
    ("nn/a.py", "from pellucid.graph import Tensor\nfrom pellucid.nn.module import Module"),
    ("train/a.py", "from pellucid import nn, optim\nfrom pellucid.data import Table"),
    ("train/a.py", "np.load(path, allow_pickle=False)\nmodel.eval()"),
    ("compile/emit/a.py", "from pellucid.compile.native.isa import Isa"),
    ("compile/tile/a.py", "from pellucid.compile.plan.index import Index\nimport numpy"),
    ("compile/tile/a.py", "from pellucid.compile.tile.tiles import Tiling"),
    ("cli/a.py", "import typer\nfrom pellucid.train import fit"),
    ("__init__.py", "from pellucid.train import fit\nimport_module(name)"),
]


@pytest.mark.parametrize(("path", "text"), KEPT)
def test_what_is_allowed_passes(tmp_path: Path, path: str, text: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    assert violations(tmp_path) == []


@pytest.mark.parametrize("folder", WITHOUT_CIRCLES)
def test_no_files_of_a_folder_import_each_other_in_a_circle(folder: str) -> None:
    assert circles(PACKAGE, folder) == []


CIRCLES = [
    "from pellucid.data.b import g",
    "import pellucid.data.b",
    "from pellucid.data import b",
    "def f():\n    from pellucid.data import b",
    "if TYPE_CHECKING:\n    from pellucid.data.b import g",
]


@pytest.mark.parametrize("text", CIRCLES)
def test_a_planted_circle_is_found(tmp_path: Path, text: str) -> None:
    """a → b → c → a, and d, which imports one of them and is imported by none."""
    files = {
        "a": text,
        "b": "from pellucid.data.deep.c import f",
        "deep/c": "from pellucid.data import a",
        "d": "from pellucid.data import a",
    }
    root = tmp_path / "pellucid"
    for name, content in files.items():
        file = root / "data" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    assert circles(root, "data") == [["pellucid.data.a", "pellucid.data.b", "pellucid.data.deep.c"]]
    (root / "data" / "a.py").write_text("", encoding="utf-8")
    assert circles(root, "data") == []


def test_outside_packages_are_installed_with_pellucid() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]["sklearn"]
    installed = {name.split(">=")[0] for name in [*project["dependencies"], *extra]}
    named = {"sklearn": "scikit-learn", "charset_normalizer": "charset-normalizer"}
    floors_there = [floor for floor in OUTSIDE if (PACKAGE / floor).exists()]
    used = {named.get(name, name) for floor in floors_there for name in OUTSIDE[floor]}
    assert used <= installed
