"""The Fashion-MNIST example reads its files, and its network is the one that PyTorch is timed on."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from examples import fashion
from pellucid.graph import Reference, using
from tests.by_torch import ByTorch, torch


def write_idx(path: Path, values: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    head = bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
    path.write_bytes(gzip.compress(head + values.tobytes(), mtime=0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dice = np.random.default_rng(0)
    for part, count in (("train", 60), ("t10k", 20)):
        pixels = dice.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", pixels)
        classes = (np.arange(count) % 10).astype(np.uint8)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", classes)
    return tmp_path


def test_images_and_labels_are_those_of_the_files(folder: Path) -> None:
    x = fashion.images(folder / "t10k-images-idx3-ubyte.gz")
    y = fashion.labels(folder / "t10k-labels-idx1-ubyte.gz")
    assert x.shape == (20, 28, 28, 1) and y.tolist() == [*range(10), *range(10)]
    raw = np.random.default_rng(0)
    raw.integers(0, 256, (60, 28, 28))
    pixels = raw.integers(0, 256, (20, 28, 28))
    np.testing.assert_allclose(x[..., 0] * 0.353 + 0.286, pixels / 255, atol=1e-6)


def twin_outputs(x: torch.Tensor, weights: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """What PyTorch's network gives for images with Pellucid's weights, and the sizes of its own."""
    twin = fashion.torch_network()
    sizes = torch.tensor(sorted(p.numel() for p in twin.parameters()))
    kernels = [w.permute(3, 2, 0, 1) for w in weights.values() if w.ndim == 4]
    layers = [layer for layer in twin if isinstance(layer, torch.nn.Conv2d)]
    for layer, kernel in zip(layers, kernels, strict=True):
        layer.weight.data = kernel
    weight = next(w for w in weights.values() if w.shape == (1152, 10))
    by_channel = weight.reshape(3, 3, 128, 10).permute(3, 2, 0, 1).reshape(10, 1152)
    twin[-1].weight.data = by_channel
    twin[-1].bias.data.zero_()
    return [twin.eval()(x.permute(0, 3, 1, 2)), sizes]


def test_the_network_is_the_one_that_pytorch_is_timed_on(by_torch: ByTorch) -> None:
    net = fashion.network().build((28, 28, 1))
    x = np.random.default_rng(0).normal(size=(2, 28, 28, 1)).astype(np.float32)
    values = {path: parameter.numpy() for path, parameter in net.named_parameters()}
    theirs, sizes = by_torch(twin_outputs, x, values)
    assert sorted(value.size for value in values.values()) == sizes.array.tolist()
    theirs.check(net(x).numpy(), rtol=1e-3, atol=1e-3)


@pytest.mark.torch
def test_the_example_prints_accuracies_and_the_time_of_pytorch(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with using(Reference()):
        fashion.main(["--data", str(folder), "--epochs", "1"])
    printed = capsys.readouterr().out
    assert "test accuracy" in printed and "validation accuracy" in printed
    assert "PyTorch: " in printed and "for 1 epochs" in printed


def test_where_pytorch_is_not_installed_the_example_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fashion, "find_spec", lambda name: None)
    with using(Reference()):
        fashion.main(["--data", str(folder), "--epochs", "1"])
    assert "PyTorch is not installed" in capsys.readouterr().out


def test_a_folder_without_the_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="does not hold Fashion-MNIST"):
        fashion.main(["--data", str(tmp_path)])
