"""Networks by name in one file, without code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn
from pellucid.errors import ModelFileError
from pellucid.graph import Array

X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def nets() -> dict[str, nn.Module]:
    """Two networks with weights and running statistics."""
    one = nn.MLP([4], 2, norm="batch").build(X, seed=1)
    two = nn.Sequential(nn.Linear(2), nn.Tanh()).build(X, seed=2)
    for _, buffer in one.named_buffers():
        buffer.value += 0.5
    return {"one": one, "two": two}


def outputs(networks: dict[str, nn.Module]) -> dict[str, Array]:
    return {name: net(X).numpy() for name, net in networks.items()}


def test_networks_come_back_in_their_order_with_their_weights(tmp_path: Path) -> None:
    before = nets()
    pel.save_networks(before, tmp_path / "nets.safetensors")
    after = pel.load_networks(tmp_path / "nets.safetensors")
    assert list(after) == ["one", "two"]
    for name, values in outputs(before).items():
        np.testing.assert_array_equal(outputs(after)[name], values)


def test_the_bytes_depend_on_nothing_but_the_networks(tmp_path: Path) -> None:
    for name in "ab":
        pel.save_networks(nets(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_single_network_has_a_name(tmp_path: Path) -> None:
    pel.save_networks(nets()["one"], tmp_path / "net")
    assert list(pel.load_networks(tmp_path / "net")) == ["network"]


def test_other_things_are_refused(tmp_path: Path) -> None:
    for given in ({}, {"a": 3}, {1: nets()["one"]}, [nets()["one"]]):
        with pytest.raises(TypeError, match="networks by name"):
            pel.save_networks(given, tmp_path / "x")  # type: ignore[arg-type]
    with pytest.raises(ModelFileError):
        pel.load_networks(tmp_path / "absent")
    assert not list(tmp_path.iterdir())


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "nets"
    pel.save_networks(nets(), path)
    whole = path.read_bytes()
    refused = 0
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            pel.load_networks(path)
        except ModelFileError:
            refused += 1
    assert refused > 5
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelFileError):
        pel.load_networks(path)
