"""Fashion-MNIST with a small convolutional network: `python -m examples.fashion`.

The data are the four IDX files of the Debian package `dataset-fashion-mnist` (60,000 and 10,000
images of 28 × 28 pixels in 10 classes; Xiao et al. 2017); --data names another folder that holds
them. --torch times the same network for as many epochs in PyTorch.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import pellucid as pel
from pellucid import nn, optim

FOLDER = Path("/usr/share/datasets/fashion-mnist")
BATCH = 128


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
        nn.Dropout(0.4),
        nn.Linear(10),
    )


def block(features: int) -> list[nn.Module]:
    """One convolution with its norm and activation."""
    return [nn.Conv2d(features, padding="same", bias=False), nn.BatchNorm(), nn.ReLU()]


def main() -> None:
    """Train, and measure on the test images."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=FOLDER)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--torch", action="store_true", help="time PyTorch on the same network too")
    chosen = parser.parse_args()
    if not (chosen.data / "train-images-idx3-ubyte.gz").exists():
        sys.exit(f"{chosen.data} does not hold Fashion-MNIST: apt install dataset-fashion-mnist")
    x, x_test = (images(chosen.data / f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k"))
    y, y_test = (labels(chosen.data / f"{part}-labels-idx1-ubyte.gz") for part in ("train", "t10k"))

    began = time.monotonic()
    run = pel.fit(
        network(),
        train=(x, y),
        validation=0.05,
        optimizer=optim.AdamW(learning_rate=4e-3, weight_decay=0.05),
        schedule=optim.OneCycle(),
        batch_size=BATCH,
        epochs=chosen.epochs,
        patience=0,
        seed=chosen.seed,
    )
    seconds = time.monotonic() - began
    found = run.model.evaluate(x_test, y_test)
    print(f"test accuracy {found['accuracy']:.2%}, log loss {found['log_loss']:.3f}")
    print(
        f"{run.history[-1].epoch} epochs in {seconds:.0f} s; stopped because {run.stopped_because}"
    )
    if chosen.torch:
        print(f"PyTorch: {torch_seconds(x, y, run.history[-1].epoch):.0f} s for as many epochs")


def torch_seconds(x: NDArray[np.float32], y: NDArray[np.int32], epochs: int) -> float:
    """Seconds that PyTorch needs for one epoch of the same network, times the epochs."""
    import torch

    def block(inputs: int, features: int) -> list[torch.nn.Module]:
        convolution = torch.nn.Conv2d(inputs, features, 3, padding=1, bias=False)
        norm = torch.nn.BatchNorm2d(features)
        return [convolution, norm, torch.nn.ReLU(), torch.nn.MaxPool2d(2)]

    parts = [*block(1, 32), *block(32, 64), *block(64, 128), torch.nn.Flatten()]
    net = torch.nn.Sequential(*parts, torch.nn.Dropout(0.4), torch.nn.Linear(1152, 10))
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    adam = torch.optim.AdamW(net.parameters(), 2e-3, fused=True)
    pixels, classes = torch.from_numpy(x).permute(0, 3, 1, 2), torch.from_numpy(y).long()
    kept = torch.randperm(len(y))[: len(y) * 19 // 20]
    began = time.monotonic()
    for rows in torch.split(kept, BATCH):
        given = pixels[rows]
        mirrored = torch.rand(len(rows), 1, 1, 1) < 0.5
        given = torch.where(mirrored, given.flip(-1), given)
        adam.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(given), classes[rows])
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
    return (time.monotonic() - began) * epochs


if __name__ == "__main__":
    main()
