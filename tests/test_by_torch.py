"""Recorded values of PyTorch: what passes, what is found, and that the record is in order."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from pellucid.graph import Array
from tests.architecture import imported
from tests.by_torch import ByTorch, Value
from tests.by_torch.plugin import KEY, Mode, Recorder, arrays
from tests.by_torch.record import FOLDER, Call, load, place, save
from tests.by_torch.value import BUCKETS, WHOLE, fingerprint

ROOT = Path(__file__).parents[1]
TEST = "tests/nn/test_a.py::test_b[c]"
LARGE = np.random.default_rng(0).normal(size=(40, 50))


def test_nothing_in_the_record_is_left_over(request: pytest.FixtureRequest) -> None:
    left = request.config.stash[KEY].left_over()
    assert left == [], "recorded for tests that are gone: run `make record`"


def test_the_record_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.gz")) < 1e6


def test_no_file_of_tests_imports_pytorch_by_itself() -> None:
    own = ROOT / "tests" / "by_torch"
    for path in sorted((ROOT / "tests").rglob("*.py")):
        names = imported(ast.parse(path.read_text(encoding="utf-8")))
        if own not in path.parents:
            assert not [name for name in names if name.partition(".")[0] == "torch"], path


def test_pytorch_cannot_be_imported_where_values_are_recorded(
    request: pytest.FixtureRequest,
) -> None:
    if request.config.stash[KEY].mode == "recorded":
        assert "torch" not in sys.modules
        with pytest.raises(ImportError):
            import_module("torch.nn.functional")


# -- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [True, False])
def test_values_within_the_tolerance_pass(whole: bool) -> None:
    value = Value.of(LARGE, whole)
    assert value.is_sketch is not whole
    for seed in range(50):
        error = np.random.default_rng(seed).choice([-1.0, 1.0], LARGE.shape)
        value.check(LARGE + 0.99e-6 * error, atol=1e-6)
        value.check(LARGE * (1 + 0.99e-6 * error), rtol=1e-6)


def one_wrong(x: Array) -> Array:
    changed = x.copy()
    changed[17, 31] += 1e-4
    return changed


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        one_wrong,
        lambda x: x * (1 + 2e-5),
        lambda x: x[::-1],
        lambda x: x.reshape(50, 40),
        lambda x: np.where(x == x[3, 4], np.nan, x),
        lambda x: np.zeros_like(x),
    ],
)
def test_wrong_values_are_found(change: Callable[[Array], Array], whole: bool) -> None:
    with pytest.raises(AssertionError):
        Value.of(LARGE, whole).check(change(LARGE), rtol=1e-6, atol=1e-6)


def test_the_largest_number_is_compared_by_itself() -> None:
    value = Value.of(LARGE, whole=False)
    wrong = Value(value.shape, value.dtype, value.numbers, value.largest + 1e-4)
    with pytest.raises(AssertionError, match="largest"):
        wrong.check(LARGE, atol=1e-6)


def test_of_a_sketch_there_is_no_tensor() -> None:
    value = Value.of(LARGE, whole=False)
    assert value.numbers.shape == (BUCKETS,) and LARGE.size > WHOLE
    with pytest.raises(TypeError, match="a sketch only"):
        _ = value.array


@pytest.mark.parametrize("whole", [True, False])
def test_the_same_but_for_rounding(whole: bool) -> None:
    value = Value.of(LARGE, whole)
    assert value.same(Value.of(LARGE * (1 + 1e-12), whole))
    assert not value.same(Value.of(LARGE * 1.01, whole))
    assert not value.same(Value.of(LARGE.astype(np.float32), whole))
    assert not value.same(Value.of(LARGE.T.copy(), whole))


# -- the record ------------------------------------------------------------------------------------

MADE = [Call((1.0, 2.0, 3.0), (Value.of(LARGE, False), Value.of(np.array([True, False]), False)))]


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    scalars = tuple(Value.of(np.array(x), False) for x in (1.5, np.nan, np.float32(2), 3))
    record = {
        TEST: MADE,
        "tests/a.py::b": [Call((0.0, 0.0, 1.0), scalars), Call((0.5, 0.5, 1.0), ())],
    }
    save(path, record, {"torch": "2"})
    first = path.read_bytes()
    found = load(path)
    assert found.keys() == record.keys()
    for test, calls in record.items():
        for one, other in zip(calls, found[test], strict=True):
            assert one.inputs == other.inputs
            for kept, read in zip(one.values, other.values, strict=True):
                assert (kept.shape, kept.dtype, kept.largest) == (
                    read.shape,
                    read.dtype,
                    read.largest,
                )
                np.testing.assert_array_equal(kept.numbers, read.numbers)
    save(path, dict(reversed(found.items())), {"torch": "2"})
    assert path.read_bytes() == first
    path.unlink()
    save(path, dict(reversed(found.items())), {"torch": "2"})
    assert path.read_bytes() == first


def test_a_file_of_another_format_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.gz", {TEST: MADE}, {})
    monkeypatch.setattr("tests.by_torch.record.FORMAT", 2)
    assert load(tmp_path / "a.gz") == {}


def test_what_differs_by_rounding_is_not_written_again(tmp_path: Path) -> None:
    def saved(factor: float, version: str) -> bytes:
        call = Call((1.0, 2.0, 3.0), (Value.of(LARGE[:3] * factor, False),))
        save(tmp_path / "a.gz", {TEST: [call]}, {"torch": version})
        return (tmp_path / "a.gz").read_bytes()

    first = saved(1.0, "2")
    assert saved(1 + 1e-15, "2") == first
    assert saved(1 + 1e-15, "3") != first
    second = saved(1 + 1e-9, "3")
    assert second != saved(1 + 3e-9, "3")


def test_places_of_tests() -> None:
    assert place(TEST).name == "nn.safetensors.gz"
    assert place("tests/nn/augment/test_a.py::b[x/y]").name == "nn.safetensors.gz"
    assert place("tests/test_a.py::b").name == "tests.safetensors.gz"


# -- the modes -------------------------------------------------------------------------------------


def asked(folder: Path, mode: Mode, *answers: float) -> Recorder:
    """A run of one test that asks for these, one after another."""
    recorder = Recorder(mode, folder)
    by_torch = ByTorch(recorder, TEST)
    for answer in answers:
        (value,) = by_torch(lambda answer=answer: [answer])
        if mode != "recorded":
            assert value.item() == answer
    by_torch.finish()
    return recorder


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    recorder = asked(tmp_path, "record", 1.0, 2.0)
    recorder.collected[TEST] = True
    recorder.write(torch="2.13.0")
    return tmp_path


def test_what_was_recorded_is_given_without_computing(recorded: Path) -> None:
    by_torch = ByTorch(Recorder("recorded", recorded), TEST)
    assert [by_torch(lambda: [9.0])[0].item() for _ in range(2)] == [1.0, 2.0]


@pytest.mark.parametrize("mode", ["recorded", "live"])
@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ((1.0, 2.0, 3.0), r"no value of PyTorch is recorded.*make record"),
        ((1.0,), r"more values than the test asks for.*make record"),
    ],
)
def test_too_few_and_too_many(
    recorded: Path, mode: Mode, answers: tuple[float, ...], message: str
) -> None:
    with pytest.raises(pytest.fail.Exception, match=message):
        asked(recorded, mode, *answers)


def test_other_values_than_recorded_are_found_live(recorded: Path) -> None:
    asked(recorded, "live", 1.0, 2.0 + 1e-9)
    with pytest.raises(pytest.fail.Exception, match=r"other values than recorded.*make record"):
        asked(recorded, "live", 1.0, 2.1)


@pytest.mark.parametrize("name", [TEST, "tests/nn/test_a.py::test_new"])
def test_what_is_left_over(recorded: Path, name: str) -> None:
    recorder = Recorder("recorded", recorded, root=ROOT)
    assert recorder.left_over() == [TEST]  # its file is not there
    (recorded / "tests" / "nn").mkdir(parents=True)
    (recorded / "tests" / "nn" / "test_a.py").touch()
    recorder = Recorder("recorded", recorded, root=recorded)
    assert recorder.left_over() == []
    recorder.collected[name] = True
    assert recorder.left_over() == ([] if name == TEST else [TEST])
    recorder.whole_files = False
    assert recorder.left_over() == []


def test_recording_keeps_what_other_tests_have(recorded: Path) -> None:
    recorder = Recorder("record", recorded, root=recorded)
    (recorded / "tests" / "nn").mkdir(parents=True)
    (recorded / "tests" / "nn" / "test_a.py").touch()
    other = "tests/nn/test_other.py::test_d"
    recorder.made[other] = MADE
    recorder.write(torch="2.13.0")
    assert set(load(place(TEST, recorded))) == {TEST, other}
    recorder = Recorder("record", recorded, root=recorded)
    recorder.collected = {"tests/nn/test_a.py::test_renamed": True, other: True}
    recorder.write(torch="2.13.0")
    assert set(load(place(TEST, recorded))) == {other}
    recorder = Recorder("record", recorded, root=recorded)
    recorder.collected = {other: False}
    recorder.write(torch="2.13.0")
    assert not place(TEST, recorded).exists()


def test_a_test_that_asks_for_nothing_any_more_has_no_record(recorded: Path) -> None:
    asked(recorded, "record").write(torch="2.13.0")
    assert load(place(TEST, recorded)) == {}
    asked(recorded, "recorded")


def test_other_inputs_than_recorded_are_found(tmp_path: Path) -> None:
    x, names = np.linspace(0, 1, 9), {"a": np.arange(3.0)}
    save(place(TEST, tmp_path), {TEST: [Call(fingerprint(arrays([x, names])), ())]}, {})
    recorder = Recorder("recorded", tmp_path)
    assert ByTorch(recorder, TEST)(list, x * (1 + 1e-12), names) == []
    for given in ((x[::-1], names), (x[:8], names), (x, {"a": np.arange(3.0) + 0.1}), (x,)):
        with pytest.raises(pytest.fail.Exception, match=r"for other inputs.*make record"):
            ByTorch(recorder, TEST)(list, *given)
