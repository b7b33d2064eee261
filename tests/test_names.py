"""Every module can be reached by its name; `pellucid.compile` is a function as well."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import pellucid as pel
import pellucid.compile.code as module
from pellucid.compile.code import Code
from pellucid.compile.function import Compiled

MODULES = [
    info
    for info in pkgutil.walk_packages(pel.__path__, "pellucid.")
    if not info.name.endswith("__main__")
]
NAMED_AS_WHAT_THEY_HOLD = {
    "pellucid.cli.main",
    "pellucid.compile.vmath.power",
    "pellucid.data.split",
    "pellucid.graph.origin",
    "pellucid.graph.tensor",
    "pellucid.graph.trace",
    "pellucid.graph.windows",
    "pellucid.train.fit",
    "pellucid.train.fit_step",
}
"""Modules of one public function or class, by which their package is meant to know the name."""


def test_the_compiler_is_a_function_and_a_package() -> None:
    assert module is importlib.import_module("pellucid.compile.code")
    assert module.Code is Code
    assert vars(pel)["compile"] is sys.modules["pellucid.compile"]

    @pel.compile
    def double(x: pel.Tensor) -> pel.Tensor:
        return x * 2.0

    assert isinstance(double, Compiled)
    assert double(np.ones(2, np.float32)).tolist() == [2, 2]
    assert list(inspect.signature(pel.compile).parameters) == ["function"]
    with pytest.raises(TypeError):
        pel.compile()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "statement",
    [
        "import pellucid.compile.code as c; c.Code",
        "import pellucid.compile.code; pellucid.compile.code.Code",
        "from pellucid.compile.code import Code",
        "from pellucid.compile import code; code.Code",
        "from pellucid import compile; compile(abs).explain; compile.compile(abs)",
        "import pellucid.compile as c; c(abs).explain; c.Native",
        "import pellucid as pel; pel.compile(abs).explain; from pellucid.compile.code import Code",
        "import pellucid.nn.layers.linear as m; m.Linear; import pellucid; pellucid.nn.Linear",
        "import pellucid.optim.adam as m; m.Adam; import pellucid; pellucid.optim.Adam",
        "import pellucid.data.table as m; m.Table; import pellucid; pellucid.data.Table",
        "import pellucid.train.fit; import pellucid; pellucid.fit; pellucid.train.run.Run",
        "from pellucid.train.fit import fit; from pellucid.graph.trace import trace",
    ],
)
def test_ways_to_import(statement: str) -> None:
    """Each in a fresh interpreter, since what is imported first decides."""
    found = subprocess.run(
        [sys.executable, "-c", statement], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_no_name_hides_a_package() -> None:
    """Nor a module, but where its only function is known by its name."""
    hidden = set()
    for info in MODULES:
        found = importlib.import_module(info.name)
        parent, _, name = info.name.rpartition(".")
        if getattr(importlib.import_module(parent), name) is not found:
            hidden.add(info.name)
            assert not info.ispkg
    assert hidden == NAMED_AS_WHAT_THEY_HOLD
