"""Classes of one's own: saved by name, found again where they are defined or passed, else named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.errors import ModelFileError
from pellucid.graph import Tensor
from pellucid.train.events import Evaluated, Event
from pellucid.train.member import Member
from pellucid.train.model import Model
from pellucid.train.storage.folder import MODEL
from tests.train import own_parts
from tests.train.checkpoints import save_always

SCRIPT = Path(own_parts.__file__)


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run of the script, and what its model predicted there."""
    folder = tmp_path_factory.mktemp("own") / "run"
    done = python(str(SCRIPT), "fit", str(folder))
    assert done.returncode == 0, done.stderr
    return folder, done.stdout.strip()


def test_a_new_process_reads_what_a_script_saved(made: tuple[Path, str]) -> None:
    done = python(str(SCRIPT), "predict", str(made[0]))
    assert done.stdout.strip() == made[1], done.stderr


def test_a_script_that_is_imported_is_found(made: tuple[Path, str]) -> None:
    assert own_parts.shown(pel.Model.load(made[0] / MODEL)) == made[1]


def test_a_missing_class_is_named_with_what_to_do(made: tuple[Path, str]) -> None:
    code = f"import pellucid; pellucid.Model.load({str(made[0] / MODEL)!r})"
    said = python("-c", code).stderr.strip().splitlines()[-1]
    assert "__main__:Mixed is a class of your own that is not defined here" in said
    assert "import the module that defines it first, or pass it as parts=[Mixed]" in said


def test_a_class_that_is_passed_alone_is_refused(made: tuple[Path, str]) -> None:
    with pytest.raises(TypeError, match=r"write parts=\[Scaled\]"):
        pel.Model.load(made[0] / MODEL, parts=own_parts.Scaled)  # type: ignore[arg-type]


def test_a_run_folder_is_told_from_its_model_file(made: tuple[Path, str]) -> None:
    with pytest.raises(
        ModelFileError, match=rf"run is a folder: name the model file in it, .*{MODEL}"
    ):
        pel.Model.load(made[0])


def test_a_class_that_is_passed_is_found_in_any_module(tmp_path: Path) -> None:
    net = Passed().build(3)
    net.scale = 4.0
    path = tmp_path / "m.safetensors"
    Model([Member(net, (3,))]).save(path)

    class Other(nn.Module):
        """Of another module, as code that has moved."""

        scale: float

        def forward(self, x: Tensor) -> Tensor:
            return x * self.scale

    Other.__qualname__ = "Passed"
    Other.__module__ = "elsewhere"
    found = pel.Model.load(path, parts=[Other])
    assert isinstance(found.net, Other) and found.net.scale == 4.0
    assert type(pel.Model.load(path).net) is Passed
    again = type("Passed", (Other,), {"__qualname__": "Passed", "__module__": "third"})
    with pytest.raises(ModelFileError, match="there are 2 classes named"):
        pel.Model.load(path, parts=[Other, again])


class Passed(nn.Module):
    """A module with one setting."""

    def __init__(self) -> None:
        self.scale = 1.0

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


def _twin() -> type[nn.Module]:
    class Twin(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x

    return Twin


def test_two_classes_of_one_name_are_refused() -> None:
    first, second = _twin(), _twin()
    spec = {"type": f"{__name__}:_twin.<locals>.Twin", "attributes": []}
    for kind in (first, second):
        with pytest.raises(TypeError, match=r"there are 2 classes named .*Twin"):
            kind().to_spec()
    with pytest.raises(ModelFileError, match=r"there are 2 classes named .*Twin"):
        nn.from_spec(spec)
    assert type(nn.from_spec(spec, parts=[second])) is second
    del first, kind
    assert type(nn.from_spec(spec)) is second


def test_a_class_that_was_defined_again_is_not_taken_for_the_new_one() -> None:
    """As where a cell of a notebook is run twice."""
    scope: dict[str, Any] = globals()
    text = "class Again(nn.Module):\n    def forward(self, x):\n        return x\n"
    exec(text, scope)
    old = scope["Again"]()
    exec(text, scope)
    with pytest.raises(TypeError, match="make the object again from the newest definition"):
        old.to_spec()
    new = scope["Again"]()
    assert type(nn.from_spec(new.to_spec())) is scope["Again"]


class Thing:
    """What no file can hold."""


@dataclass(eq=False, repr=False)
class Holds(nn.Module):
    """A layer with any setting."""

    thing: Any = None
    others: list[Any] = field(default_factory=list)

    def forward(self, x: Tensor) -> Tensor:
        return x


class Keeps(nn.Module):
    """A network with any attribute."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def forward(self, x: Tensor) -> Tensor:
        return x


@dataclass(frozen=True)
class HoldsLoss(nn.MeanSquaredError):
    thing: Any = None


@dataclass(frozen=True)
class HoldsRate(optim.ConstantRate):
    thing: Any = None


@dataclass(frozen=True)
class HoldsAdam(optim.Adam):
    thing: Any = None


UNWRITTEN: dict[str, Callable[[Any], dict[str, Any]]] = {
    "Holds thing": lambda thing: {"net": Holds(thing)},
    "Holds others[1]": lambda thing: {"net": nn.Sequential(nn.Linear(1), Holds(others=[1, thing]))},
    "Keeps thing": lambda thing: {"net": Keeps(thing)},
    "Keeps thing.a": lambda thing: {"net": Keeps({"a": thing})},
    "HoldsLoss thing": lambda thing: {"loss": HoldsLoss(thing=thing)},
    "HoldsRate thing": lambda thing: {"schedule": HoldsRate(thing=thing)},
    "HoldsAdam thing": lambda thing: {"optimizer": HoldsAdam(thing=thing)},
}


@pytest.mark.parametrize("setting", UNWRITTEN)
@pytest.mark.parametrize(
    ("thing", "called"), [(Thing(), "a Thing"), (lambda: 1, "a function"), (1j, "a complex")]
)
def test_what_cannot_be_written_is_said_before_training(
    setting: str, thing: Any, called: str, tmp_path: Path
) -> None:
    events: list[Event] = []
    given = {"net": nn.Linear(1), **UNWRITTEN[setting](thing)}
    x = np.ones((20, 1), np.float32)
    with pytest.raises(TypeError) as refused:
        pel.fit(
            given.pop("net"),
            (x, x),
            epochs=1,
            out=tmp_path / "run",
            callbacks=[events.append],
            progress=False,
            **given,
        )
    assert f"{setting} is {called}, which a model file cannot hold" in str(refused.value)
    assert events == [] and not (tmp_path / "run").exists()


def test_a_run_with_parts_of_ones_own_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    def kill(event: Event) -> None:
        if isinstance(event, Evaluated) and event.epoch == 2:
            raise KilledError

    save_always(monkeypatch)
    own_parts.fit(str(tmp_path / "whole"))
    with pytest.raises(KilledError):
        own_parts.fit(str(tmp_path / "killed"), callbacks=[kill])
    own_parts.fit(str(tmp_path / "killed"), resume=True)
    assert (tmp_path / "killed" / MODEL).read_bytes() == (tmp_path / "whole" / MODEL).read_bytes()


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"forward": 3}, "has no setting 'forward'"),
        ({"__class__": 3}, "has no setting '__class__'"),
        ({"scale": {"type": "os:system"}}, "os:system is a class of your own"),
        (
            {"scale": {"type": "array", "dtype": "object", "shape": [], "items": []}},
            "expected one of",
        ),
        (
            {"scale": {"type": "array", "dtype": "int32", "shape": [9], "items": [1]}},
            "values for the",
        ),
        ({"scale": {"type": "dict", "items": [[1, 2], [1, 3]]}}, "1 is given twice"),
        (
            {"scale": {"type": "Parameter", "dtype": "float32", "shape": [2**40], "role": "bias"}},
            "larg",
        ),
        (
            {"scale": {"type": "Parameter", "dtype": "int32", "shape": [2], "role": "bias"}},
            "floats",
        ),
        ({"scale": {}}, "expected an object with a"),
    ],
)
def test_what_a_file_says_of_a_class_of_ones_own_is_checked(
    attributes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ModelFileError, match=problem):
        nn.from_spec(
            {
                "type": f"{__name__}:Passed",
                "attributes": [list(pair) for pair in attributes.items()],
            }
        )


class Stack(nn.Sequential):
    """A subclass of the library's with a constructor of its own."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width), nn.ReLU(), nn.Linear(2))
        self.width = width


class Twice(nn.Linear):
    """A subclass of the library's with its constructor."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 2.0


class Block(nn.TransformerBlock):
    """A subclass of one that makes layers of its own."""


@pytest.mark.parametrize(
    ("net", "shape"), [(Stack(3), (2,)), (nn.Residual(Twice(2)), (2,)), (Block(1), (3, 2))]
)
def test_subclasses_of_layers(net: nn.Module, shape: tuple[int, ...], tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(4, *shape)).astype(np.float32)
    Model([Member(net.build(shape), shape)]).save(tmp_path / "m")
    again = pel.Model.load(tmp_path / "m").net
    assert type(again) is type(net) and repr(again) == repr(net)
    assert again(x).numpy().tobytes() == net(x).numpy().tobytes()
    assert list(again.state_dict()) == list(net.state_dict())
