"""Parts register by being defined: names in files, families, abstract bases, pickles."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from types import new_class

import pytest

from pellucid import nn, optim, parts
from pellucid.graph import Tensor
from pellucid.nn.layers.container import Container
from pellucid.optim.wrapper import Wrapper


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes that a test defines as the library's are forgotten after it."""
    monkeypatch.setattr(parts, "_library", dict(parts._library))


def defined(name: str, base: type, **body: object) -> type:
    """A class as if a file of the library defined it."""
    return new_class(name, (base,), {}, lambda held: held.update(__module__="pellucid.new", **body))


def test_abstract_and_private_classes_are_not_named() -> None:
    modules, optimizers = parts.library(nn.Module), parts.library(optim.Optimizer)
    assert modules["Linear"] is nn.Linear and optimizers["Clip"] is optim.Clip
    assert not {nn.Module, Container} & {*modules.values()}
    assert not {optim.Optimizer, Wrapper} & {*optimizers.values()}
    assert not [name for name in (*modules, *optimizers) if name.startswith("_")]
    assert set(parts.library(nn.Loss, nn.Initializer)) == {
        *parts.library(nn.Loss),
        *parts.library(nn.Initializer),
    }


def test_a_layer_of_the_library_needs_its_definition_alone() -> None:
    kind = defined("Doubled", nn.Module, forward=lambda self, x: x * 2.0)
    layer: type = dataclass(eq=False, repr=False)(kind)
    spec = nn.Sequential(layer()).to_spec()
    assert ["0", {"type": "Doubled"}] in spec["layers"]
    again = nn.from_spec(spec)
    assert isinstance(again, nn.Sequential) and type(again[0]) is layer


def test_a_name_is_taken_once_in_a_family() -> None:
    with pytest.raises(TypeError, match="two parts of the library are named Linear"):
        defined("Linear", nn.Module)
    assert parts.library(optim.Schedule).get("Linear") is None
    schedule = defined("Linear", optim.Schedule)
    assert parts.library(optim.Schedule)["Linear"] is schedule
    assert parts.library(nn.Module)["Linear"] is nn.Linear


class Counter(parts.Part):
    """A part of a family that registers no form of its own."""

    def __init__(self) -> None:
        self.seen = 0


def test_other_parts_are_pickled_by_their_attributes() -> None:
    counter = Counter()
    counter.seen = 3
    again = pickle.loads(pickle.dumps(counter))  # noqa: S301
    assert type(again) is Counter and again.seen == 3


@dataclass(frozen=True)
class Late(optim.Selector):
    """Of one's own."""

    layers: tuple[str, ...] = ("output",)

    def __call__(self, path: str, parameter: Tensor) -> bool:
        return path.partition(".")[0] in self.layers


def test_selectors_and_groups_are_pickled() -> None:
    for part in (Late(("a", "b")), optim.Group(Late(), optim.Muon(), dimensions=(2, 4))):
        assert pickle.loads(pickle.dumps(part)) == part  # noqa: S301
