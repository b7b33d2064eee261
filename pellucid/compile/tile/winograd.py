"""Convolutions with 3 × 3 windows in fewer multiplications, and the gradients by their windows.

A square of 2 × 2 results takes 36 multiplications for each pair of channels. Through linear maps of
the 4 × 4 values d that it is computed from, and of the window g, it takes 16:

    y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A

The sum over channels comes before Aᵀ … A, so the middle is 16 products of matrices. The gradient by
the window is the transposed map, Gᵀ [(A ∂y Aᵀ) ⊙ (Bᵀ d B)] G, summed over squares before Gᵀ … G. All
entries are 0, ±1 and ½, so little is lost to rounding. An infinite value gives NaN where a direct sum
may give infinity; in y only where it is read, in the gradient in all places of its channel's windows
(Winograd 1980, *Arithmetic Complexity of Computations*; Lavin & Gray 2015, arXiv:1509.09308).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from pellucid.compile.convolution import WINDOW, is_dense, is_window_gradient
from pellucid.compile.element import ElementKind, kind_of
from pellucid.compile.machine import Machine
from pellucid.compile.plan.kernels import Kernel
from pellucid.compile.plan.operands import operand_position, operands
from pellucid.compile.tile.contraction import StridedAxis

TILE = 2
POINTS = 16
"""Products for each pair of channels of a square."""
_TASKS = 32
_TASK_PRODUCTS = 100_000
_FEW_TASKS = 4
_NEAR_BYTES = 65_536
_CACHE_BYTES = 524_288
_GAIN = 0.9
"""What it costs beside the direct sum, at most, to be worth its code."""
_SIGNAL_FLOPS, _WINDOW_FLOPS, _RESULT_FLOPS, _GRADIENT_FLOPS = 32, 35, 24, 12
"""Of Bᵀ d B, G g Gᵀ (and its transpose), Aᵀ m A, A ∂y Aᵀ."""
_READ, _WRITE = 45, 80
"""Rough cycles of mapping a vector of a square of 4 × 4, and of one of 2 × 2 results."""


@dataclass(frozen=True)
class Winograd:
    """The lines of a convolution by squares, and its cut.

    by_window:     whether the result is the gradient by a window, so that squares are summed over.
    image, y, x:   lines of the squares. a: steps of the signal; b: of the window, or of ∂y.
    channel:       the lanes of the signal's maps: summed over, or the rows of the gradient.
    rows, vectors: the register tile, of squares or channels, and of columns.
    squares:       mapped at a time.
    channel_block, panel_block: channels (of a gradient) and panels of columns that a task takes.
    task_blocks:   blocks of squares that a task takes; a gradient's takes all of its group.
    """

    window_gradient: bool
    group: StridedAxis
    image: StridedAxis
    y: StridedAxis
    x: StridedAxis
    channel: StridedAxis
    column: StridedAxis
    kind: ElementKind
    lanes: int
    rows: int = 1
    vectors: int = 1
    block_tiles: int = 1
    channel_block: int = 1
    panel_block: int = 1
    task_blocks: int = 1

    @property
    def width(self) -> int:
        """Columns of a panel."""
        return self.vectors * self.lanes

    @property
    def tile_rows(self) -> int:
        """Squares from top to bottom of an image."""
        return ceil(self.y.extent / TILE)

    @property
    def tile_columns(self) -> int:
        """Squares from left to right of an image."""
        return ceil(self.x.extent / TILE)

    @property
    def tiles(self) -> int:
        """Squares of all images."""
        return self.image.extent * self.tile_rows * self.tile_columns

    @property
    def blocks(self) -> int:
        """Blocks of squares."""
        return ceil(self.tiles / self.block_tiles)

    @property
    def panels(self) -> int:
        """Panels of columns."""
        return ceil(self.column.extent / self.width)

    @property
    def column_blocks(self) -> int:
        """Blocks of panels."""
        return ceil(self.panels / self.panel_block)

    @property
    def pieces(self) -> int:
        """Tasks of one group and one block of panels."""
        if self.window_gradient:
            return ceil(self.channel.extent / self.channel_block)
        return ceil(self.blocks / self.task_blocks)

    @property
    def tasks(self) -> int:
        """Pieces of work that threads share."""
        return self.group.extent * self.column_blocks * self.pieces

    @property
    def padded_channels(self) -> int:
        """Channels of a mapped square, those beyond the last included."""
        taken = self.channel_block if self.window_gradient else self.channel.extent
        return ceil(taken / self.lanes) * self.lanes

    @property
    def products(self) -> int:
        """Multiply-adds of the products of matrices."""
        pairs = self.channel.extent * self.column.extent * self.group.extent
        return POINTS * self.tiles * pairs

    @property
    def flops(self) -> int:
        """Operations of the products and of the maps, those done again for every block left out."""
        channels = self.group.extent * self.channel.extent
        columns = self.group.extent * self.column.extent
        windows = _WINDOW_FLOPS * channels * self.column.extent
        results = _GRADIENT_FLOPS if self.window_gradient else _RESULT_FLOPS
        squares = _SIGNAL_FLOPS * channels + results * columns
        return 2 * self.products + windows + self.tiles * squares


def winograd_of(kernel: Kernel, lanes: int, registers: int) -> Winograd | None:
    """How a contraction kernel is computed by squares; None if it cannot or should not be."""
    node = kernel.members[0].node
    by_window = is_window_gradient(node)
    if not by_window and not (is_dense(node) and node.inputs[1].shape[:2] == (WINDOW, WINDOW)):
        return None
    machine = Machine(lanes, registers).of(node.dtype)
    work = _lines(kernel, by_window, machine.lanes)
    contiguous = work.channel.a == 1 and (work.column.b == 1 or not by_window)
    if not contiguous or not _is_worth_it(work):
        return None
    return _cut_gradient(work, machine) if by_window else _cut(work, machine)


def _lines(kernel: Kernel, by_window: bool, lanes: int) -> Winograd:
    node = kernel.members[0].node
    a_at, b_at, summed = operands(node)
    a = operand_position(node.inputs[0], a_at)[1]
    b = operand_position(node.inputs[1], b_at)[1]

    def line(axis: int, extent: int) -> StridedAxis:
        return StridedAxis(axis, extent, a.factor(axis) or 0, b.factor(axis) or 0)

    size = summed[:2] if by_window else node.shape[1:3]
    # Within the window and from place to place, the signal is read in the same steps.
    y, x = (
        StridedAxis(axis, extent, a.factor(4 + axis) or 0, b.factor(4 + axis) or 0)
        for axis, extent in zip((1, 2), size, strict=True)
    )
    group, column = line(3, node.shape[3]), line(4, node.shape[4])
    image, channel = line(0, node.shape[0]), line(7, summed[2])
    if by_window:
        image, channel = channel, image
    return Winograd(by_window, group, image, y, x, channel, column, kind_of(node.dtype), lanes)


def _is_worth_it(work: Winograd) -> bool:
    """Whether the products saved outweigh the maps, in rough cycles of one vector's work."""
    vectors = ceil(work.column.extent / work.lanes)
    signal = ceil(work.channel.extent / work.lanes)
    places = work.image.extent * work.y.extent * work.x.extent
    direct = places * WINDOW * WINDOW * work.channel.extent * vectors
    of_results = _READ * vectors if work.window_gradient else _WRITE * vectors
    each = POINTS * work.channel.extent * vectors + _READ * signal + of_results
    once = _WRITE * work.channel.extent * vectors
    return work.tiles * each + once < _GAIN * direct


def _cut(work: Winograd, machine: Machine) -> Winograd:
    size = 8 if work.kind == "f64" else 4
    depth, columns = work.channel.extent, work.column.extent
    rows, vectors = machine.tile(work.tiles, columns, depth, work.padded_channels * size)
    width = vectors * work.lanes
    panels = ceil(columns / width)
    panel_block = min(max(_CACHE_BYTES // (POINTS * depth * width * size), 1), panels)
    work = replace(work, rows=rows, vectors=vectors, block_tiles=rows, panel_block=panel_block)
    wanted = min(max(work.products // _TASK_PRODUCTS, 1), _TASKS)
    pieces = ceil(wanted / (work.group.extent * work.column_blocks))
    return replace(work, task_blocks=ceil(work.blocks / pieces))


def _cut_gradient(work: Winograd, machine: Machine) -> Winograd:
    size = 8 if work.kind == "f64" else 4
    channels, columns = work.channel.extent, work.column.extent
    most = 4 * machine.lanes
    while True:
        channel_block, column_block = min(channels, most), min(columns, most)
        tasks = ceil(channels / channel_block) * ceil(columns / column_block) * work.group.extent
        if tasks >= _FEW_TASKS or most == machine.lanes:
            break
        most //= 2
    room = ceil(channel_block / work.lanes) * work.lanes
    squares = min(max(_NEAR_BYTES // (POINTS * room * size), 1), work.tiles)
    rows, vectors = machine.tile(channel_block, column_block, squares)
    panel_block = ceil(column_block / (vectors * work.lanes))
    return replace(
        work,
        rows=rows,
        vectors=vectors,
        block_tiles=squares,
        channel_block=channel_block,
        panel_block=panel_block,
    )
