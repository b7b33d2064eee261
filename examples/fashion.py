"""Fashion-MNIST with a small convolutional network: `python -m examples.fashion`.

The data are the four IDX files of the Debian package `dataset-fashion-mnist` (60,000 and 10,000
images of 28 × 28 pixels in 10 classes; Xiao et al. 2017); --data names another folder that holds
them. Settings were chosen on the held-out twentieth of the training images; the test images are
measured once. Where PyTorch is installed, its time for the same network and epochs is printed too.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import pellucid as pel
from pellucid import nn, optim

if TYPE_CHECKING:
    import torch

FOLDER = Path("/usr/share/datasets/fashion-mnist")
BATCH = 128
RATE = 0.1
MOMENTUM = 0.9
L2 = 5e-4
DROPOUT = 0.2
HELD_OUT = 0.05


def images(path: Path) -> NDArray[np.float32]:
    """The images of an IDX file, (n, 28, 28, 1), centred and scaled by fixed numbers."""
    pixels = np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16)
    scaled = (pixels.reshape(-1, 28, 28, 1) / np.float32(255) - np.float32(0.286)) / np.float32(
        0.353
    )
    return scaled.astype(np.float32)


def labels(path: Path) -> NDArray[np.int32]:
    """The classes of an IDX file."""
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=8).astype(np.int32)


def network() -> nn.Sequential:
    """Three blocks of convolution, batch norm, ReLU and pooling, then one linear layer."""
    return nn.Sequential(
        nn.RandomFlip(),
        *block(32),
        nn.MaxPool2d(2),
        *block(64),
        nn.MaxPool2d(2),
        *block(128),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(DROPOUT),
        nn.Linear(10),
    )


def block(features: int) -> list[nn.Module]:
    """One convolution with its norm and activation."""
    return [nn.Conv2d(features, padding="same", bias=False), nn.BatchNorm(), nn.ReLU()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure on the test images, and time PyTorch beside it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=FOLDER)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--torch",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="time PyTorch on the same network, where it is installed",
    )
    chosen = parser.parse_args(arguments)
    if not (chosen.data / "train-images-idx3-ubyte.gz").exists():
        sys.exit(f"{chosen.data} does not hold Fashion-MNIST: apt install dataset-fashion-mnist")
    x, x_test = (images(chosen.data / f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k"))
    y, y_test = (labels(chosen.data / f"{part}-labels-idx1-ubyte.gz") for part in ("train", "t10k"))

    began = time.monotonic()
    run = pel.fit(
        network(),
        train=(x, y),
        validation=HELD_OUT,
        optimizer=optim.Regularised(optim.SGD(RATE, MOMENTUM, nesterov=True), l2=L2),
        schedule=optim.OneCycle(),
        batch_size=BATCH,
        epochs=chosen.epochs,
        patience=0,
        seed=chosen.seed,
    )
    seconds = time.monotonic() - began
    found = run.model.evaluate(x_test, y_test)
    epochs = run.history[-1].epoch
    print(f"validation accuracy {run.best.validation_metric:.2%} (epoch {run.best_epoch})")
    print(f"test accuracy {found['accuracy']:.2%}, log loss {found['log_loss']:.3f}")
    print(f"{epochs} epochs in {seconds:.0f} s, compiling and validation included")
    if not chosen.torch:
        return
    if find_spec("torch") is None:
        print("PyTorch is not installed, so its time is not measured (pip install torch)")
        return
    print(
        f"PyTorch: {torch_seconds(x, y) * epochs:.0f} s for {epochs} epochs, validation not "
        "included (one epoch was measured)"
    )


def torch_network() -> torch.nn.Sequential:
    """The layers of `network` in PyTorch, but for the random flip."""
    import torch

    def block(inputs: int, features: int) -> list[torch.nn.Module]:
        convolution = torch.nn.Conv2d(inputs, features, 3, padding=1, bias=False)
        norm = torch.nn.BatchNorm2d(features)
        return [convolution, norm, torch.nn.ReLU(), torch.nn.MaxPool2d(2)]

    parts = [*block(1, 32), *block(32, 64), *block(64, 128), torch.nn.Flatten()]
    return torch.nn.Sequential(*parts, torch.nn.Dropout(DROPOUT), torch.nn.Linear(1152, 10))


def torch_seconds(x: NDArray[np.float32], y: NDArray[np.int32]) -> float:
    """Seconds that PyTorch needs for one epoch of training steps, after a few to warm up."""
    import torch

    net = torch_network().to(memory_format=torch.channels_last)
    descent = torch.optim.SGD(
        net.parameters(), RATE, MOMENTUM, weight_decay=L2, nesterov=True, fused=True
    )
    pixels, classes = torch.from_numpy(x).permute(0, 3, 1, 2), torch.from_numpy(y).long()

    def train(batches: Sequence[torch.Tensor]) -> float:
        began = time.monotonic()
        for rows in batches:
            given = pixels[rows]
            mirrored = torch.rand(len(rows), 1, 1, 1) < 0.5
            given = torch.where(mirrored, given.flip(-1), given)
            descent.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(given), classes[rows])
            loss.backward()
            descent.step()
        return time.monotonic() - began

    kept = torch.randperm(len(y))[: int(len(y) * (1 - HELD_OUT))]
    batches = torch.split(kept, BATCH)
    train(batches[:10])
    return train(batches)


if __name__ == "__main__":
    main()
