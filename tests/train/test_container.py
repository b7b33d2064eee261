"""Model files: what is written is read back, and nothing that was altered is."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn
from pellucid.errors import ModelFileError
from pellucid.graph import Array
from pellucid.train.member import Member
from pellucid.train.model import Model
from pellucid.train.storage import container
from pellucid.train.storage.files import write_atomically

ARRAYS: dict[str, Array] = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array([1, 2], np.int64),
}
DETAILS = {"name": "é", "values": [1, 2.5, None]}


@pytest.fixture
def content() -> bytes:
    return container.pack(ARRAYS, DETAILS, "model")


def test_a_round_trip(content: bytes) -> None:
    arrays, details = container.unpack(content, "model", "it")
    assert details == DETAILS
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype


def test_every_cut_is_refused(content: bytes) -> None:
    for length in range(len(content)):
        with pytest.raises(ModelFileError):
            container.unpack(content[:length], "model", "it")


def test_every_flipped_bit_is_refused(content: bytes) -> None:
    """Or, in the padding that no reader looks at, changes nothing."""
    for place in range(len(content)):
        for bit in range(8):
            other = bytearray(content)
            other[place] ^= 1 << bit
            try:
                arrays, details = container.unpack(bytes(other), "model", "it")
            except ModelFileError:
                continue
            assert details == DETAILS
            assert all(np.array_equal(arrays[name], array) for name, array in ARRAYS.items())


def test_random_damage_is_refused(content: bytes) -> None:
    dice = np.random.default_rng(0)
    for _ in range(500):
        other = bytearray(content)
        start, stop = sorted(dice.integers(0, len(content) + 1, 2))
        other[start:stop] = bytes(dice.integers(0, 256, dice.integers(0, 40), np.uint8))
        if bytes(other) == content:
            continue
        with pytest.raises(ModelFileError):
            container.unpack(bytes(other), "model", "it")


@pytest.mark.parametrize(
    "foreign",
    [
        b"",
        b"\x80\x04\x95 a pickle",
        b"PK\x03\x04" + bytes(100),
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 40) + json.dumps({"__metadata__": {"format": "pt"}}).ljust(40).encode(),
    ],
)
def test_foreign_files_are_refused(foreign: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(foreign)
    with pytest.raises(ModelFileError, match=r"x\.safetensors"):
        container.read(path, "model")


def test_another_kind_is_refused(content: bytes) -> None:
    with pytest.raises(ModelFileError):
        container.unpack(content, "checkpoint", "it")


def test_the_arrays_are_plain_safetensors(content: bytes) -> None:
    from safetensors.numpy import load

    found = load(content)
    assert all(np.array_equal(found[name], array) for name, array in ARRAYS.items())


def test_a_model_with_an_altered_structure_is_refused(tmp_path: Path) -> None:
    """The seal holds even where the altered file is a well-formed one."""
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    run = pel.fit(
        nn.Sequential(nn.Linear(2)), (x, (x[:, 0] > 0).astype(int)), epochs=1, progress=False
    )
    path = tmp_path / "m.safetensors"
    run.model.save(path)
    content = path.read_bytes()
    assert content.count(b"Linear") > 0
    path.write_bytes(content.replace(b"Linear", b"linear"))
    with pytest.raises(ModelFileError, match=r"m\.safetensors"):
        pel.Model.load(path)


def test_a_reader_never_sees_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    write_atomically(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(pel.PellucidError):
        write_atomically(path, b"new" * 100)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_scalars_and_views_keep_their_shape() -> None:
    arrays = {"scalar": np.array(2.5), "turned": np.arange(6.0).reshape(2, 3).T}
    found, _ = container.unpack(container.pack(arrays, {}, "model"), "model", "a file")
    for name, array in arrays.items():
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)


def test_a_model_keeps_the_types_of_its_weights(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(2), nn.BatchNorm()).build(3, dtype=np.float64)
    for held in net.state_dict().values():
        assert held.dtype == np.float64
    Model([Member(net, (3,))]).save(tmp_path / "m")
    found = pel.Model.load(tmp_path / "m").net.state_dict()
    for path, array in net.state_dict().items():
        assert found[path].dtype == array.dtype and found[path].tobytes() == array.tobytes()


def test_a_network_beyond_the_limits_is_read_where_it_is_trusted(tmp_path: Path) -> None:
    net = nn.LSTM(1, output="last").build((2_000, 1))
    Model([Member(net, (2_000, 1))]).save(tmp_path / "m")
    with pytest.raises(ModelFileError, match=r"Model\.load\(path, trusted=True\)\.$"):
        pel.Model.load(tmp_path / "m")
    assert pel.Model.load(tmp_path / "m", trusted=True).net.parameter_count() == 12


def test_networks_of_python_have_no_limits() -> None:
    assert (
        nn.Upsample(100_000).build((3, 3, 3))(np.zeros((1, 3, 3, 3), np.float32)).shape[1]
        == 300_000
    )
