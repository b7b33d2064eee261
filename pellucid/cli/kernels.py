"""`pellucid inspect RUN --kernels`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pellucid import nn, optim
from pellucid.cli.model_file import load
from pellucid.compile.explain import explain
from pellucid.compile.program import NativeProgram
from pellucid.graph import Graph, placeholder
from pellucid.train.model import Model
from pellucid.train.step import training_step

ROWS = 256
BATCH = 32


def run_kernels(run: Path) -> None:
    """Show how a model's network runs as machine code, measured on this machine."""
    model = load(run)
    print(f"PREDICTION of {ROWS} rows")
    print(explain(NativeProgram(_prediction(model))).measured())
    print()
    print(f"ONE STEP OF TRAINING, {BATCH} rows: forward, backward and Adam")
    print(explain(NativeProgram(_training(model))).measured())
    print()
    print(
        "Each line is one kernel: a loop over memory that computes several operations of the "
        "network at once.\nKernels of one level run side by side on all threads; the next level "
        "waits for them."
    )


def _prediction(model: Model) -> Graph:
    x = placeholder("x", (ROWS, *model.input_shape))
    return Graph({"outputs": model.net(x).node})


def _training(model: Model) -> Graph:
    """A step like those that trained the network, on rows of zeros."""
    inputs = np.zeros((BATCH, *model.input_shape), np.float32)
    classes = model.classes is not None
    targets = np.zeros(BATCH, np.int32 if classes else np.float32)
    loss: nn.Loss = nn.CrossEntropy() if classes else nn.MeanSquaredError()
    net = nn.from_spec(model.net.to_spec()).build(model.input_shape)
    return training_step(net, loss, optim.AdamW(), (inputs, targets), BATCH, 0).graph
