"""`pellucid inspect RUN --kernels`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import nn, optim
from pellucid.cli.model_file import load
from pellucid.cli.show import as_json_text
from pellucid.compile.explain.program import Explanation, explain
from pellucid.compile.explain.table import table
from pellucid.compile.program import NativeProgram
from pellucid.graph import Graph, placeholder
from pellucid.train.model import Model
from pellucid.train.steps.supervised import supervised_step

ROWS = 256
_BATCH, _LARGEST = 32, 65_536
CODE: dict[str, tuple[str, Callable[[Explanation], str]]] = {
    "loops": ("#", Explanation.loop_ir),
    "llvm": (";", Explanation.llvm),
    "assembly": ("#", Explanation.assembly),
}
"""The languages of `--code`: the prefix of their comments, and the function that writes the code."""


def run_kernels(run: Path, as_json: bool = False, code: str | None = None) -> None:
    """Print the kernels of a model's network, measured on this machine, or their code."""
    programs = _programs(load(run))
    if code is not None:
        comment, text_of = CODE[code]
        for title, graph in programs:
            print(f"{comment} {title}\n\n{text_of(explain(NativeProgram(graph)))}")
        return
    explanations = [(title, explain(NativeProgram(graph)).measured()) for title, graph in programs]
    if as_json:
        print(as_json_text({title: facts(each) for title, each in explanations}))
        return
    for number, (title, explanation) in enumerate(explanations, 1):
        print(title.upper())
        print(table(explanation, legend=number == len(explanations)))
        if number < len(explanations):
            print()


def facts(explanation: Explanation) -> dict[str, Any]:
    """The measurements of a program as plain JSON values."""
    return {
        "instructions": explanation.instructions,
        "threads": explanation.threads,
        "levels": explanation.levels,
        "memory_bytes": explanation.memory_bytes,
        "flops": explanation.flops,
        "seconds": explanation.seconds,
        "peak_flops_a_second": explanation.peak,
        "kernels": [asdict(kernel) for kernel in explanation.kernels],
    }


def _programs(model: Model) -> Iterator[tuple[str, Graph]]:
    """The title and the graph of each program."""
    batch = _batch(model)
    yield f"prediction of {ROWS} rows", _prediction(model)
    yield f"a step of training on {batch} rows", _training(model, batch)


def _prediction(model: Model) -> Graph:
    x = placeholder("x", (ROWS, *model.input_shape))
    return Graph({"outputs": model.net(x).node})


def _batch(model: Model) -> int:
    """The batch size of training."""
    choices = model.details.get("choices")
    for choice in choices if isinstance(choices, list) else []:
        if isinstance(choice, dict) and choice.get("name") == "batch size":
            batch = choice.get("value")
            return batch if type(batch) is int and 1 <= batch <= _LARGEST else _BATCH
    return _BATCH


def _training(model: Model, batch: int) -> Graph:
    """A training step of the network with AdamW, on rows of zeros."""
    inputs = np.zeros((batch, *model.input_shape), np.float32)
    net = nn.from_spec(model.net.to_spec()).build(model.input_shape)
    shape = net(inputs).shape
    targets = np.zeros(shape, np.float32)
    loss: nn.Loss = nn.MeanSquaredError()
    if model.classes is not None:
        loss = nn.BinaryCrossEntropy()
        if len(shape) > 1 and shape[-1] > 1:
            loss, targets = nn.CrossEntropy(), np.zeros(shape[:-1], np.int32)
    return supervised_step(net, loss, optim.AdamW(), (inputs, targets), batch, 0).graph
