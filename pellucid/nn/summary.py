"""The table of a network: what each layer gives and how many parameters it has."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.graph import Shape
from pellucid.nn.example import Example, example_input
from pellucid.nn.inputs import apply
from pellucid.nn.mode import evaluation
from pellucid.nn.parameter import Parameter
from pellucid.nn.scope import shape_text
from pellucid.nn.tree import Layer, members


@dataclass(frozen=True)
class SummaryRow:
    """One layer: its path, itself as text, the output's shape without the batch, parameters."""

    path: str
    layer: str
    output_shape: Shape
    parameters: int


@dataclass(frozen=True)
class Summary:
    """The layers in the order in which they run; prints as a table."""

    rows: tuple[SummaryRow, ...]
    parameters: int

    def __str__(self) -> str:
        head = ("path", "layer", "output", "parameters")
        body = [
            (row.path, row.layer, shape_text((0, *row.output_shape)), f"{row.parameters:,}")
            for row in self.rows
        ]
        body.append(("", "", "total", f"{self.parameters:,}"))
        widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if at == 3 else cell.ljust(width)
                for at, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in [head, *body]
        ]
        return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:]])

    __repr__ = __str__


def summarise(net: Layer, example: Example) -> Summary:
    """The summary of a network that is built; containers of other modules have no row."""
    modules = dict(net.named_modules())
    with evaluation() as seen:
        apply(net, example_input(example))
    counted: set[int] = set()
    rows = []
    for name, output in seen.activations.items():
        module = modules[name.partition("#")[0]]
        own = [held for _, held in members(module, Parameter) if id(held) not in counted]
        counted.update(map(id, own))
        if own or not any(True for _ in module.named_children()):
            count = sum(parameter.size for parameter in own)
            rows.append(SummaryRow(name, repr(module), output.shape[1:], count))
    return Summary(tuple(rows), net.parameter_count())
