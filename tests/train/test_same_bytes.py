"""A model's bytes depend on the data, the settings and the seed; not on processors or environment."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pellucid

PACKAGE = Path(pellucid.__file__).parent
ONE_PROCESSOR = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
CALL = "import runpy; runpy.run_module('tests.train.same_bytes', run_name='__main__')"

HERE = {"PYTHONHASHSEED": "0", "TZ": "UTC"}
ELSEWHERE = {
    "one thread": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PELLUCID_THREADS": "1"},
    "seven, another hash, another zone": {
        "OMP_NUM_THREADS": "7",
        "OPENBLAS_NUM_THREADS": "7",
        "PELLUCID_THREADS": "3",
        "PYTHONHASHSEED": "1",
        "TZ": "Asia/Kolkata",
    },
}


def digests(environment: dict[str, str], before: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", before + CALL],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def usual() -> str:
    """Where BLAS has more processors than one, its sums differ from those on one."""
    return digests({**HERE, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"})


@pytest.mark.parametrize("place", ELSEWHERE)
def test_any_threads_hashes_and_clocks(usual: str, place: str) -> None:
    assert digests({**HERE, **ELSEWHERE[place]}) == usual


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processors cannot be chosen")
def test_one_processor(usual: str) -> None:
    assert digests(HERE, ONE_PROCESSOR) == usual


# -- libraries whose sums depend on threads --------------------------------------------------------

FOREIGN = {"linalg", "dot", "vdot", "inner", "matmul", "tensordot", "polyfit", "cov", "corrcoef"}


def sums_of_others(tree: ast.AST, tensors: bool) -> list[str]:
    """NumPy's functions that go through BLAS or LAPACK; `@` is one where there are no tensors."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "np" and node.attr in FOREIGN:
                found.append(f"np.{node.attr}")
        elif isinstance(node, ast.Attribute) and node.attr == "dot":
            found.append(".dot")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult) and not tensors:
            found.append("@")
        elif isinstance(node, ast.keyword) and node.arg == "optimize":
            found.append("einsum by matmul")
    return found


def test_nothing_is_summed_by_libraries_whose_sums_depend_on_threads() -> None:
    for path in PACKAGE.rglob("*.py"):
        tensors = path.relative_to(PACKAGE).parts[0] in ("nn", "graph")
        assert not sums_of_others(ast.parse(path.read_text(encoding="utf-8")), tensors), path


@pytest.mark.parametrize("text", ["np.linalg.qr(x)", "x @ y", "np.dot(x, y)", "x.T.dot(y)"])
def test_such_a_sum_is_found(text: str) -> None:
    assert sums_of_others(ast.parse(text), tensors=False)
