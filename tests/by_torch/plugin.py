"""The fixture `by_torch`, its three modes, and what is left over in the record."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import pytest

from pellucid.graph import Array
from tests.by_torch.record import FOLDER, Call, Record, load, place, save
from tests.by_torch.value import Value, alike, fingerprint

Mode = Literal["recorded", "live", "record"]
Given = Array | Mapping[str, Array]
ROOT = Path(__file__).parents[2]
AGAIN = "run `make record`, which writes what PyTorch computes now"


class Recorder:
    """The records of a run of tests: read when first asked for, written at its end.

    mode:  "recorded": PyTorch is not imported; "live": it computes, and what it gives is compared
           with the record too; "record": it computes, and what it gives is written.
    """

    def __init__(self, mode: Mode, folder: Path = FOLDER, root: Path = ROOT) -> None:
        self.mode = mode
        self.folder = folder
        self.root = root
        self.made: Record = {}
        self.collected: dict[str, bool] = {}
        self.whole_files = True
        self._read: dict[Path, Record] = {}

    def calls(self, test: str) -> list[Call]:
        """What is recorded for a test."""
        return self.record(place(test, self.folder)).get(test, [])

    def record(self, path: Path) -> Record:
        """What is in a file."""
        if path not in self._read:
            self._read[path] = load(path)
        return self._read[path]

    def left_over(self) -> list[str]:
        """Tests that are recorded, but not there or without the fixture.

        Of a file of which single tests were chosen nothing is known, nor of one not collected.
        """
        known = {test.partition("::")[0] for test in self.collected} if self.whole_files else set()
        return [
            test
            for path in sorted(self.folder.glob("*.gz"))
            for test in self.record(path)
            if not self.collected.get(test, False)
            and ((file := test.partition("::")[0]) in known or not (self.root / file).exists())
        ]

    def write(self, **versions: str) -> None:
        """Write what was made, by which versions, beside what is still used of the record."""
        gone = set(self.left_over())
        for path in {place(test, self.folder) for test in (*self.made, *gone)}:
            kept = {test: calls for test, calls in self.record(path).items() if test not in gone}
            new = {t: calls for t, calls in self.made.items() if place(t, self.folder) == path}
            save(path, {test: calls for test, calls in (kept | new).items() if calls}, versions)


class ByTorch:
    """What PyTorch makes of arrays, for one test.

    `by_torch(function, *inputs)` gives the values of the tensors, arrays or numbers that
    `function` returns for the inputs as tensors; an input is an array or a mapping from names to
    arrays. In the modes "live" and "record" the function is called; else it is what was recorded.
    """

    def __init__(self, recorder: Recorder, test: str) -> None:
        self._recorder = recorder
        self._test = test
        self._done: list[Call] = []

    def __call__(
        self, function: Callable[..., Sequence[Any]], *inputs: Given, whole: bool = False
    ) -> list[Value]:
        """whole: record the tensors themselves, however large they are."""
        number = len(self._done)
        if self._recorder.mode == "recorded":
            call = self._recorded(number, fingerprint(arrays(inputs)))
            self._done.append(call)
            return list(call.values)
        made = [_array(value) for value in function(*map(_tensors, inputs))]
        kept = tuple(Value.of(value, whole) for value in made)
        call = Call(fingerprint(arrays(inputs)), kept)
        self._done.append(call)
        if self._recorder.mode == "live":
            self._compare(number, call)
        return [Value.of(value, whole=True) for value in made]

    def finish(self) -> None:
        """Keep what was made; an error if the record holds more than was asked for."""
        if self._recorder.mode == "record":
            self._recorder.made[self._test] = self._done
        elif len(self._recorder.calls(self._test)) > len(self._done):
            pytest.fail(f"the record holds more values than the test asks for: {AGAIN}")

    def _recorded(self, number: int, inputs: tuple[float, ...]) -> Call:
        calls = self._recorder.calls(self._test)
        if number >= len(calls):
            pytest.fail(f"no value of PyTorch is recorded for this (number {number}): {AGAIN}")
        if not alike(inputs, calls[number].inputs):
            pytest.fail(f"PyTorch's value was recorded for other inputs (number {number}): {AGAIN}")
        return calls[number]

    def _compare(self, number: int, made: Call) -> None:
        if not self._recorded(number, made.inputs).same(made):
            pytest.fail(f"PyTorch computes other values than recorded (number {number}): {AGAIN}")


def arrays(inputs: Sequence[Given]) -> list[Array]:
    """All arrays of the inputs, in order."""
    found: list[Array] = []
    for given in inputs:
        found += list(given.values()) if isinstance(given, Mapping) else [given]
    return found


def _tensors(given: Given) -> Any:
    import torch

    if isinstance(given, Mapping):
        return {name: torch.tensor(value) for name, value in given.items()}
    return torch.tensor(given)


def _array(value: Any) -> Array:
    return np.asarray(value.numpy(force=True) if hasattr(value, "detach") else value)


class _Refused(MetaPathFinder, Loader):
    """Lets nobody import PyTorch, as if it were not installed."""

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == "torch" else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        raise ImportError("`make test` goes without PyTorch: use the fixture by_torch")


KEY = pytest.StashKey[Recorder]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """--torch, the mode."""
    parser.addoption("--torch", choices=("recorded", "live", "record"), default="recorded")


def pytest_configure(config: pytest.Config) -> None:
    """One recorder for the run."""
    mode: Mode = config.getoption("--torch")
    config.stash[KEY] = Recorder(mode)
    if mode == "recorded" and find_spec("torch"):
        sys.meta_path.insert(0, _Refused())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what compares with PyTorch, and note all tests before some are left out by marks."""
    recorder = config.stash[KEY]
    recorder.whole_files = not any("::" in argument for argument in config.args)
    for item in items:
        compares = "by_torch" in getattr(item, "fixturenames", ())
        recorder.collected[item.nodeid] = compares
        if compares:
            item.add_marker("recorded")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the record if every test passed."""
    recorder = session.config.stash[KEY]
    if recorder.mode == "record":
        if exitstatus != pytest.ExitCode.OK:
            print("\nNothing is recorded, because not every test passed.")
            return
        recorder.write(torch=version("torch"), numpy=version("numpy"))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Of a test that passes, keep what was made, and see that it asked for all that is recorded."""
    done = yield
    if isinstance(by_torch := pyfuncitem.funcargs.get("by_torch"), ByTorch):
        by_torch.finish()
    return done


@pytest.fixture
def by_torch(request: pytest.FixtureRequest) -> ByTorch:
    """What PyTorch makes of arrays: see `tests.by_torch`."""
    return ByTorch(request.config.stash[KEY], request.node.nodeid)
