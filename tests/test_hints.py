"""Hints name what is there, for names that are not; and the porting table runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import hints, keywords, nn, optim
from pellucid.train.run import Run
from tests.pages import ROOT

X = pel.ones((3, 4))
NET = nn.Sequential(nn.Linear(3)).build((4,))
OWNERS: dict[str, tuple[Any, Mapping[str, str]]] = {
    "pel": (pel, hints.PACKAGE),
    "nn": (nn, hints.LAYERS),
    "optim": (optim, hints.OPTIMIZERS),
    "nn.functional": (nn.functional, hints.FUNCTIONS),
    "net": (NET, hints.MODULE),
    "x": (X, hints.TENSOR),
    "optimizer": (optim.Adam(), hints.OPTIMIZER),
    "schedule": (optim.CosineRate(), hints.OPTIMIZER),
    "run": (pel.fit(nn.Linear(1), (np.eye(9), np.ones(9)), epochs=1, progress=False), hints.RUN),
}
NAMED = [(owner, name) for owner, (_, table) in OWNERS.items() for name in table]
THERE: dict[str, Any] = {
    "pel": pel,
    "nn": nn,
    "optim": optim,
    "x": X,
    "net": NET,
    "p": NET.parameters()[0],
    "run": Run,
}
REFERENCE = re.compile(r"(?<![\w.])(pel|nn|optim|x|net|run|p)\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
ALL_HINTS = [
    hint
    for module in (hints, keywords)
    for name, table in vars(module).items()
    if name.isupper() and isinstance(table, dict)
    for hint in table.values()
]


@pytest.mark.parametrize(("owner", "name"), NAMED)
def test_a_name_from_elsewhere_has_a_hint(owner: str, name: str) -> None:
    found, table = OWNERS[owner]
    assert not hasattr(found, name)
    with pytest.raises(
        AttributeError, match=re.escape(f"has no attribute {name!r}; {table[name]}")
    ):
        getattr(found, name)


@pytest.mark.parametrize("owner", OWNERS)
def test_a_name_from_nowhere_has_none(owner: str) -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'nonsense'$"):
        OWNERS[owner][0].nonsense  # noqa: B018


@pytest.mark.parametrize("hint", sorted({*ALL_HINTS, hints.PARAMETERS_FIRST}))
def test_what_a_hint_names_is_there(hint: str) -> None:
    for owner, path in REFERENCE.findall(hint):
        found = THERE[owner]
        for part in path.split("."):
            annotated = isinstance(found, type) and part in getattr(found, "__annotations__", {})
            found = pel.Model if annotated and part == "model" else getattr(found, part, None)
            assert found is not None or annotated, f"{owner}.{path}"


KEYWORDS: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
    (optim.Adam, {"lr": 0.1}, "Adam takes no 'lr': it is called learning_rate"),
    (optim.SGD, {"lr": 0.1, "weight_decay": 1e-4}, "GradientDescent takes no 'lr'"),
    (optim.SGD, {"weight_decay": 1e-4}, "use optim.AdamW"),
    (optim.Adam, {"betas": (0.9, 0.99)}, "Adam takes no 'betas': give beta1 and beta2"),
    (optim.Adam, {"eps": 1e-8}, "it is called epsilon"),
    (optim.Adam, {"momentum": 0.9}, "in optim.Adam and its like it is beta1"),
    (optim.StepRate, {"step_size": 3}, "it is called every"),
    (
        nn.Linear,
        {"in_features": 3, "out_features": 4},
        "Linear takes no 'in_features': leave it out",
    ),
    (nn.Linear, {"units": 4}, "it is called features"),
    (nn.Conv2d, {"in_channels": 3}, "the number of inputs is inferred"),
    (nn.Dropout, {"p": 0.5}, "Dropout takes no 'p': it is called rate"),
    (nn.Softmax, {"dim": 1}, "it is called axis"),
    (nn.CrossEntropy, {"weight": [1, 2]}, "it is called class_weights"),
    (nn.CrossEntropy, {"ignore_index": -100}, "it is called ignore"),
    (nn.Embedding, {"num_embeddings": 3}, "it is called count"),
    (nn.MaxPool2d, {"kernel_size": 2}, "it is called size"),
    (nn.LSTM, {"input_size": 2, "hidden_size": 3}, "leave it out"),
    (nn.BatchNorm, {"num_features": 2}, "leave it out"),
    (pel.fit, {"lr": 0.1}, r"fit takes no 'lr': use optimizer=optim.Adam\(learning_rate\)"),
    (pel.fit, {"validation_data": None}, "it is called validation"),
    (pel.fit, {"criterion": None}, "it is called loss"),
    (pel.fit, {"target": "y"}, r"pel.fit_table\(table, target\)"),
    (X.sum, {"axis": 1}, r"sum takes no 'axis': give it by position, such as x.sum\(1\)"),
    (X.mean, {"dim": 1, "keepdim": True}, "mean takes no 'dim'"),
    (X.max, {"keepdim": True}, "it is called keepdims"),
    (X.std, {"unbiased": False}, "use ddof=1, or ddof=0"),
    (X.argmax, {"dim": 1}, "give it by position"),
    (partial(pel.softmax, X), {"dim": 1}, "softmax takes no 'dim': it is called axis"),
    (partial(pel.stack, [X]), {"dim": 1}, "it is called axis"),
    (partial(pel.tensor, 1.0), {"requires_grad": True}, "every float state"),
    (partial(nn.Conv2d, 3, 16), {"kernel_size": 5}, "'kernel_size' twice, by position too"),
    (nn.Flatten, {"start_dim": 1}, "leave it out"),
]


@pytest.mark.parametrize(("call", "given", "message"), KEYWORDS)
def test_a_keyword_from_elsewhere_has_a_hint(
    call: Callable[..., Any], given: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        call(**given)


def test_keywords_that_are_taken_or_unknown_are_left_to_python() -> None:
    assert isinstance(nn.Sequential(lr=nn.Linear(2))["lr"], nn.Linear)
    assert optim.SGD(0.1, momentum=0.9).momentum == 0.9
    assert nn.Focal(gamma=1.0).gamma == 1.0

    class Own(nn.Module):
        """A network whose constructor has such a keyword."""

        def __init__(self, p: float, **others: Any) -> None:
            self.p, self.others = p, others

    assert Own(p=0.5, lr=1).others == {"lr": 1}
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        nn.Linear(3, nonsense=1)  # type: ignore[call-arg]


POSITIONS: list[tuple[Callable[..., Any], tuple[Any, ...], str]] = [
    (
        nn.Linear,
        (10, 20),
        "the number of inputs is inferred, so Linear takes the number of outputs",
    ),
    (nn.LayerNorm, (64,), "the number of features is inferred"),
    (nn.RMSNorm, (64,), "the number of features is inferred"),
    (nn.InstanceNorm, (64,), "the number of features is inferred"),
    (nn.GroupNorm, (8, 64), "the number of features is inferred"),
    (nn.BatchNorm, (64,), "the number of features is inferred"),
    (nn.LSTM, (10, 20), "the number of inputs is inferred"),
    (nn.GRU, (10, 20), "the number of inputs is inferred"),
    (optim.Adam, (NET.parameters(),), "the parameters are left out"),
    (optim.SGD, (iter(NET.parameters()), 0.1), "the parameters are left out"),
]


@pytest.mark.parametrize(("call", "given", "message"), POSITIONS)
def test_sizes_of_inputs_are_left_out(
    call: Callable[..., Any], given: tuple[Any, ...], message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call(*given)


def test_channels_of_inputs_are_left_out() -> None:
    with pytest.raises(ValueError, match="the channels of the input are inferred"):
        nn.Conv2d(3, 16, 3)(np.zeros((1, 8, 8, 3), np.float32))


def test_a_list_of_layers_is_given_one_by_one() -> None:
    with pytest.raises(TypeError, match=r"give them one by one, Sequential\(\*layers\)"):
        nn.Sequential([nn.Linear(2), nn.ReLU()])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "example"),
    [("optimizer", "optim.Adam()"), ("schedule", "optim.CosineRate()"), ("loss", "nn.MSE()")],
)
def test_a_part_given_by_its_name_is_answered_with_an_object(name: str, example: str) -> None:
    with pytest.raises(TypeError, match=re.escape(f"such as {example}")):
        pel.fit(nn.Linear(1), (np.ones((9, 2)), np.ones(9)), **{name: "adam"})  # type: ignore[arg-type]


def test_a_pair_is_given_in_brackets() -> None:
    with pytest.raises(TypeError, match=re.escape("write fit(net, (X, y))")):
        pel.fit(nn.Linear(1), np.ones((9, 2)), np.ones(9))  # type: ignore[arg-type]


# -- the porting table -----------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "porting.md").read_text(encoding="utf-8")
ROWS = [
    re.split(r"\s*\|\s*", line.strip("| "))
    for line in PAGE.splitlines()
    if line.startswith("| ") and "---" not in line and not line.startswith("| PyTorch")
]
CODE = re.compile(r"`([^`]+)`")
RIGHT = [code for row in ROWS for code in CODE.findall(row[-1]) if not code.endswith("=")]


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the table's code refers to."""
    data = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    targets = (data[:, 0] > 0).astype(np.int64)
    net = nn.Sequential(nn.Linear(3), nn.ReLU(), nn.Linear(2))
    run = pel.fit(net, (data, targets), epochs=1, progress=False)
    w = pel.variable(2.0)
    return {
        "pel": pel,
        "nn": nn,
        "optim": optim,
        "X": data,
        "y": targets,
        "net": net,
        "run": run,
        "x": pel.ones((3, 4)),
        "w": w,
        "scalar": w.square(),
        "f": lambda x: x * 2.0,
        "self": nn.Sequential(),
        "predict": run.model.predict,
    }


@pytest.mark.filterwarnings("ignore:This network was trained by fit before")
@pytest.mark.parametrize("code", sorted(set(RIGHT)))
def test_the_right_side_of_the_porting_table_runs(
    code: str, names: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trained = names["net"].state_dict()
    net = nn.Sequential(nn.Linear(3), nn.ReLU(), nn.Linear(2)).build(names["X"])
    net.load_state_dict(trained)
    exec(code, {**names, "net": net, "layer": net[0]})


def test_the_porting_table_was_found() -> None:
    assert len(ROWS) > 45
    assert all(len(row) == 3 for row in ROWS)
    assert len(RIGHT) > 60
