"""Winograd convolutions and gradients by their windows, as loop IR (see `tile.winograd`)."""

from __future__ import annotations

from collections.abc import Mapping

from pellucid.compile.emit.epilogue import Epilogue, operand_pointer
from pellucid.compile.emit.stores import Stores
from pellucid.compile.emit.winograd_convolution import ConvolutionEmitter, convolution_scratch
from pellucid.compile.emit.winograd_gradient import WindowGradientEmitter, gradient_scratch
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.plan.kernels import Kernel
from pellucid.compile.tile.winograd import Winograd
from pellucid.graph.node import Node


def winograd_scratch(work: Winograd) -> int:
    """Elements that a thread needs."""
    return gradient_scratch(work) if work.window_gradient else convolution_scratch(work)


def emit_winograd(
    b: Builder,
    kernel: Kernel,
    work: Winograd,
    buffers: Mapping[Node, Value],
    stores: Stores,
    scratch: Value,
    span: tuple[Value, Value],
) -> None:
    """Emit the tasks of a contraction kernel by Winograd's algorithm, with its epilogue."""
    rows = work.channel if work.window_gradient else work.x
    epilogue = Epilogue(b, kernel, buffers, stores, (rows, work.column), work.lanes)
    emitter_type = WindowGradientEmitter if work.window_gradient else ConvolutionEmitter
    emitter = emitter_type(b, work, scratch, epilogue)
    first, second = (operand_pointer(b, kernel, number, buffers) for number in (0, 1))
    emitter.emit(first, second, *span)
