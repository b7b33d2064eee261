"""A convolution by squares, or the gradient by its window, as loop IR (see `compile.winograd`)."""

from __future__ import annotations

from collections.abc import Mapping

from pellucid.compile.emit.epilogue import Epilogue, operand_pointer
from pellucid.compile.emit.stores import Stores
from pellucid.compile.emit.winograd_filter import FilterWriter, filter_scratch
from pellucid.compile.emit.winograd_gradient import WindowGradientWriter, gradient_scratch
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.plan.kernels import Kernel
from pellucid.compile.tile.winograd import Winograd
from pellucid.graph.node import Node


def winograd_scratch(work: Winograd) -> int:
    """Elements that a thread needs."""
    return gradient_scratch(work) if work.window_gradient else filter_scratch(work)


def write_winograd(
    b: Builder,
    kernel: Kernel,
    work: Winograd,
    buffers: Mapping[Node, Value],
    stores: Stores,
    scratch: Value,
    span: tuple[Value, Value],
) -> None:
    """Tasks of a contraction kernel by squares, and its epilogue."""
    rows = work.channel if work.window_gradient else work.x
    epilogue = Epilogue(b, kernel, buffers, stores, (rows, work.column), work.lanes)
    writer = (WindowGradientWriter if work.window_gradient else FilterWriter)(
        b, work, scratch, epilogue
    )
    first, second = (operand_pointer(b, kernel, number, buffers) for number in (0, 1))
    writer.write(first, second, *span)
