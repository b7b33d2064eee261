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
from pellucid.train.supervised import supervised_step

ROWS = 256
_BATCH, _LARGEST = 32, 65_536
CODE: dict[str, tuple[str, Callable[[Explanation], str]]] = {
    "loops": ("#", Explanation.loop_ir),
    "llvm": (";", Explanation.llvm),
    "assembly": ("#", Explanation.assembly),
}
"""What `--code` may be: how comments begin in it, and where it comes from."""


def run_kernels(run: Path, as_json: bool = False, code: str | None = None) -> None:
    """Show how a model's network runs as machine code, measured on this machine; or the code."""
    programs = _programs(load(run))
    if code is not None:
        comment, text_of = CODE[code]
        for what, graph in programs:
            print(f"{comment} {what}\n\n{text_of(explain(NativeProgram(graph)))}")
        return
    found = [(what, explain(NativeProgram(graph)).measured()) for what, graph in programs]
    if as_json:
        print(as_json_text({what: facts(explanation) for what, explanation in found}))
        return
    for place, (what, explanation) in enumerate(found, 1):
        print(what.upper())
        print(table(explanation, legend=place == len(found)))
        if place < len(found):
            print()


def facts(explanation: Explanation) -> dict[str, Any]:
    """Everything that is shown, as plain JSON values."""
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
    """What is shown, and its graph."""
    batch = _batch(model)
    yield f"prediction of {ROWS} rows", _prediction(model)
    yield f"a step of training on {batch} rows", _training(model, batch)


def _prediction(model: Model) -> Graph:
    x = placeholder("x", (ROWS, *model.input_shape))
    return Graph({"outputs": model.net(x).node})


def _batch(model: Model) -> int:
    """The rows of a step when the network was trained."""
    choices = model.details.get("choices")
    for choice in choices if isinstance(choices, list) else []:
        if isinstance(choice, dict) and choice.get("name") == "batch size":
            batch = choice.get("value")
            return batch if type(batch) is int and 1 <= batch <= _LARGEST else _BATCH
    return _BATCH


def _training(model: Model, batch: int) -> Graph:
    """A step like those that trained the network, with AdamW, on rows of zeros."""
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
