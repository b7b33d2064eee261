"""`pellucid inspect RUN --kernels` and `--code`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pellucid import nn
from pellucid.cli.kernels import ROWS, _batch, _training
from pellucid.train.model import Member, Model
from tests.cli.command import pellucid, small


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A classification and a regression of the same table."""
    folder = tmp_path_factory.mktemp("kernels")
    table = small(folder / "t.csv")
    runs = {}
    for target in ("y", "x"):
        runs[target] = folder / target
        said = pellucid("fit", table, "--target", target, "--out", runs[target], "--epochs", 1)
        assert said.code == 0, said.err
    return runs


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("target", ["y", "x"])
def test_the_page_names_layers_and_fits(
    runs: dict[str, Path], target: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    said = pellucid("inspect", runs[target], "--kernels")
    assert said.code == 0 and said.err == ""
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= columns
    headings = [line for line in lines if line.isupper() and not line.startswith(" ")]
    assert headings == [f"PREDICTION OF {ROWS} ROWS", "A STEP OF TRAINING ON 32 ROWS"]
    prediction, training = said.out.split(headings[1])
    assert "Linear '0', GELU '1'" in prediction and "∂" not in prediction
    assert "∂ Linear '0', update" in training and "Dropout '2'" in training
    assert prediction.count("together") == training.count("together") == 1
    assert said.out.count("memory: bytes read and written") == 1
    assert " 100% " in training and "GFLOP/s" in training


def test_json_is_one_object(runs: dict[str, Path]) -> None:
    programs = json.loads(pellucid("inspect", runs["y"], "--kernels", "--json").out)
    assert set(programs) == {f"prediction of {ROWS} rows", "a step of training on 32 rows"}
    for program in programs.values():
        kernels = program["kernels"]
        assert program["levels"] == kernels[-1]["level"] + 1
        assert program["flops"] == sum(kernel["flops"] for kernel in kernels)
        times = [kernel["seconds"] for kernel in kernels]
        assert sum(times) == pytest.approx(program["seconds"])
        assert program["peak_flops_a_second"] > 0


@pytest.mark.parametrize(
    ("language", "comment", "expected"),
    [
        ("loops", "#", "state '0.W', float32["),
        ("llvm", ";", "define"),
        ("assembly", "#", "ret"),
    ],
)
def test_the_code(runs: dict[str, Path], language: str, comment: str, expected: str) -> None:
    said = pellucid("inspect", runs["y"], "--code", language)
    assert said.code == 0 and expected in said.out
    parts = [line for line in said.out.splitlines() if line.endswith(" rows")]
    assert parts == [
        f"{comment} prediction of {ROWS} rows",
        f"{comment} a step of training on 32 rows",
    ]


@pytest.mark.parametrize(
    ("outputs", "classes", "targets"),
    [
        (3, (0, 1, 2), (16,)),
        (1, (0, 1), (16, 1)),
        (1, None, (16, 1)),
        (2, None, (16, 2)),
    ],
)
def test_a_step_for_every_kind_of_output(
    outputs: int, classes: tuple[int, ...] | None, targets: tuple[int, ...]
) -> None:
    net = nn.Sequential(nn.Linear(8), nn.ReLU(), nn.Linear(outputs)).build(5)
    graph = _training(Model([Member(net, (5,))], classes), 16)
    assert graph.inputs["rows"].shape == (16,)
    states = {state.name: state.value.shape for state in graph.states}
    assert states["0.W"] == (5, 8) and states["y"] == targets


def test_wrong_usage(runs: dict[str, Path]) -> None:
    said = pellucid("inspect", runs["y"], "--code", "python")
    assert said.code == 2 and "'python' is not loops or llvm or assembly" in said.err
    said = pellucid("inspect", runs["y"], "--code", "llvm", "--json")
    assert said.code == 2 and "exclude each other" in said.err


@pytest.mark.parametrize(
    "choices", [7, None, [7], [{}], [{"name": "batch size", "value": 10**12}], [{"name": ["a"]}]]
)
def test_choices_that_no_run_wrote_are_not_taken(choices: Any) -> None:
    model = Model([Member(nn.Linear(1).build(2), (2,))], details={"choices": choices})
    assert _batch(model) == 32
