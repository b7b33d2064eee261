"""What `benchmarks.step` prints besides times of steps, and how it is measured."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import step
from benchmarks.steps import costs, installed, timing
from benchmarks.steps.workloads import WORKLOADS

ROOT = Path(__file__).parents[2]


def test_memory_is_that_of_the_process_alone() -> None:
    """Not of the one that started it, which Linux hands down in `ru_maxrss`."""
    ballast = b"\1" * 300_000_000
    code = "from benchmarks.steps.costs import peak_megabytes as p; a = p(); b'1' * 10**8; b = p()"
    measured = subprocess.run(
        [sys.executable, "-c", f"{code}; print(a, b)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    before, after = map(float, measured.stdout.split())
    assert 5 < before < 200 < len(ballast) / 1e6
    assert 80 < after - before < 120


def test_what_is_installed_is_all_that_is_needed() -> None:
    names = set(installed.needed(["pellucid"]))
    assert {"pellucid", "numpy", "llvmlite", "duckdb", "typer", "rich", "pygments"} <= names
    assert not names & {"pytest", "torch", "scikit-learn", "mypy", "scipy"}
    assert {"rich", "markdown-it-py", "mdurl", "pygments"} <= set(installed.needed(["rich"]))
    whole = installed.megabytes(["pellucid"])
    assert whole > installed.megabytes(["llvmlite", "duckdb"]) > 100
    assert installed.megabytes(["nowhere-to-be-found"]) == 0


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    none = costs.Library("none", "none", "a_library_that_is_not_there", ())
    monkeypatch.setattr(costs, "LIBRARIES", {"pellucid": costs.LIBRARIES["pellucid"], "none": none})
    monkeypatch.setattr(costs, "_costs", lambda name, threads: {"import, s": 0.1})
    result = costs.measured(["none", "sklearn"], [], 1)
    assert result["libraries"] == {"pellucid": {"import, s": 0.1}}
    absent = result["absent"]
    assert isinstance(absent, dict) and "No module named" in absent["none"]


def test_costs_as_tables() -> None:
    spent: dict[str, object] = {
        "libraries": {
            "pellucid": {"import, s": 0.123, "installed, MB": 1234.4},
            "torch": {"import, s": 4.0, "installed, MB": 800.0},
        },
        "absent": {},
        "compile_seconds": {"mlp-small": (0.5, 0.0213)},
    }
    assert costs.table(spent) == [
        ("", "pellucid", "torch"),
        ("import", "0.12 s", "4.00 s"),
        ("installed", "1,234 MB", "800 MB"),
    ]
    assert costs.compile_table(spent)[1] == ("mlp-small", "0.50 s", "0.021 s")


def test_times_are_medians_in_processes_and_caches_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caches: list[str] = []
    times = iter([9.0, 1.0, 2.0, 1.5, 4.0, 0.5])

    def output(code: str, name: str, threads: int, cache: str = "") -> str:
        caches.append(cache)
        return str(next(times))

    monkeypatch.setattr(costs, "_output", output)
    assert costs.compile_seconds("mlp-small", 1) == (4.0, 1.0)
    assert caches[::2] == caches[1::2] and len(set(caches)) == 3 and "" not in caches


def test_the_peak_counts_products_alone() -> None:
    """Of mlp-small: forward, both weights' gradients, and what the first layer gets back."""
    flops, _ = step.shares(WORKLOADS["mlp-small"], 1)
    first, second = 32 * 64 * 128, 32 * 128 * 10
    assert flops == 2 * (2 * first + 3 * second)


@pytest.mark.parametrize("with_costs", [False, True])
def test_json_is_one_document(
    with_costs: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = timing.Contender("pellucid", "native")
    gone = timing.Contender("torch", "", absent="No module named 'torch'")

    def measure(work: object, taking_part: list[timing.Contender], rounds: int) -> None:
        assert taking_part == [here]
        here.times = [12.0, 10.0, 11.0]

    spent: dict[str, Any] = {
        "libraries": {"pellucid": {"import, s": 0.1}},
        "absent": {"torch": "No module named 'torch'"},
        "compile_seconds": {"mlp-small": [0.5, 0.02]},
    }
    monkeypatch.setattr(timing, "contenders", lambda *arguments: [here, gone])
    monkeypatch.setattr(timing, "compare", lambda *arguments: [])
    monkeypatch.setattr(timing, "measure", measure)
    monkeypatch.setattr(step, "shares", lambda *arguments: (1e5, 1e11))
    monkeypatch.setattr(costs, "measured", lambda *arguments: spent)
    words = ["step", "--workload", "mlp-small", "--json", *(["--costs"] if with_costs else [])]
    monkeypatch.setattr(sys, "argv", words)
    assert step.main() == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["threads"] == 2 and document["absent"] == {"torch": "No module named 'torch'"}
    (row,) = document["workloads"]
    assert row["workload"] == "mlp-small" and row["microseconds"] == {"pellucid": 11.0}
    assert row["best_peer"] is None and document.get("costs") == (spent if with_costs else None)
    assert "torch is left out: No module named 'torch' (see make peers)" in said.err


def test_peers_by_name() -> None:
    assert step.peers("jax,sklearn") == ["jax", "sklearn"] and step.peers("") == []
    with pytest.raises(argparse.ArgumentTypeError, match="there is no 'keras', but torch, jax"):
        step.peers("torch,keras")


def test_the_same_surroundings_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    environment = timing.surroundings(2, "/somewhere")
    assert environment["OMP_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "2"
    assert environment["PELLUCID_CACHE"] == environment["JAX_COMPILATION_CACHE_DIR"] == "/somewhere"
    monkeypatch.delenv("PELLUCID_CACHE", raising=False)
    assert "PELLUCID_CACHE" not in timing.surroundings(2)
