"""Winograd convolutions with 3 × 3 and 2 × 2 windows, and the gradients by their windows: loops and cut.

A tile of m × m results takes m² r² multiplications for each pair of channels, with windows of r × r.
Through linear transforms of the n × n values d that it is computed from, n = m + r − 1, and of the
window g, it takes n²: 16 instead of 36 with r = 3 and m = 2, 25 instead of 64 with r = 2 and m = 4.

    y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A

The sum over channels comes before Aᵀ … A, so the middle is n² products of matrices. The gradient by
the window is the transposed map, Gᵀ [(A ∂y Aᵀ) ⊙ (Bᵀ d B)] G, summed over tiles before Gᵀ … G. The
points of interpolation are 0, ±1, ∞ for r = 3 and 0, 1, −½, −2, ∞ for r = 2, which lose the least to
rounding: about as much as a direct sum, and twice as much. An infinite value gives NaN where a direct
sum may give infinity: in y where it is read (r = 3) or in its tile (r = 2), in the gradient in all
elements of its channel's windows (Winograd 1980, *Arithmetic Complexity of Computations*; Lavin & Gray
2015, arXiv:1509.09308; for the points Barabasz et al. 2018, arXiv:1803.10986).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from pellucid.compile.convolution import is_window_gradient, winograd_window
from pellucid.compile.element import ElementKind, kind_of
from pellucid.compile.machine import Machine
from pellucid.compile.plan.kernels import Kernel
from pellucid.compile.plan.operands import operand_position, operands
from pellucid.compile.tile.contraction import StridedAxis

_TASKS = 32
_TASK_PRODUCTS = 100_000
_FEW_TASKS = 4
_NEAR_BYTES = 65_536
_CACHE_BYTES = 524_288
_GAIN = 0.9
"""Its estimated cost as a share of the direct sum's, at most, to be worth its code."""


@dataclass(frozen=True)
class Scheme:
    """The sizes of windows and tiles, and what the transforms cost.

    window, tile: rows and columns of the windows, and of the tiles of results.
    signal_flops, window_flops, result_flops, gradient_flops: of Bᵀ d B, G g Gᵀ (and its transpose),
                  Aᵀ p A, A ∂y Aᵀ.
    read, write:  rough cycles of transforming a vector of the signal, and one of results.
    chain:        products that are summed in registers, at most: fewer where Aᵀ … A enlarges what
                  rounding they lose.
    """

    window: int
    tile: int
    signal_flops: int
    window_flops: int
    result_flops: int
    gradient_flops: int
    read: int
    write: int
    chain: int

    @property
    def span(self) -> int:
        """Rows and columns of the signal that a tile is computed from."""
        return self.tile + self.window - 1

    @property
    def points(self) -> int:
        """Products for each pair of channels of a tile."""
        return self.span**2


_SCHEMES = {
    3: Scheme(3, 2, 32, 35, 24, 12, read=45, write=80, chain=256),
    2: Scheme(2, 4, 180, 63, 162, 117, read=90, write=130, chain=32),
}
"""By the size of the window."""


@dataclass(frozen=True)
class Winograd:
    """The axes of a Winograd convolution, and its cut.

    scheme: the sizes of windows and tiles.
    window_gradient: whether the result is the gradient by a window, so that tiles are summed over.
    image, y, x:     axes of the tiles. a: strides of the signal; b: of the window, or of ∂y.
    channel:         the lanes of the signal's transforms: summed over, or the rows of the gradient.
    rows, vectors:   the register tile: tiles or channels, and columns.
    block_tiles:     tiles that are transformed at a time.
    channel_block, panel_block: channels (of a gradient) and panels of columns that a task takes.
    task_blocks:     blocks of tiles that a task takes; a gradient's takes all of its group.
    """

    scheme: Scheme
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
        """Tiles from top to bottom of an image."""
        return ceil(self.y.extent / self.scheme.tile)

    @property
    def tile_columns(self) -> int:
        """Tiles from left to right of an image."""
        return ceil(self.x.extent / self.scheme.tile)

    @property
    def tiles(self) -> int:
        """Tiles of all images."""
        return self.image.extent * self.tile_rows * self.tile_columns

    @property
    def blocks(self) -> int:
        """Blocks of tiles."""
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
        """Channels of a transformed tile, filled up to whole vectors."""
        taken = self.channel_block if self.window_gradient else self.channel.extent
        return ceil(taken / self.lanes) * self.lanes

    @property
    def products(self) -> int:
        """Multiply-adds of the products of matrices."""
        pairs = self.channel.extent * self.column.extent * self.group.extent
        return self.scheme.points * self.tiles * pairs

    @property
    def flops(self) -> int:
        """Operations of the products and of the transforms, without those repeated for every block."""
        channels = self.group.extent * self.channel.extent
        columns = self.group.extent * self.column.extent
        scheme = self.scheme
        windows = scheme.window_flops * channels * self.column.extent
        results = scheme.gradient_flops if self.window_gradient else scheme.result_flops
        each = scheme.signal_flops * channels + results * columns
        return 2 * self.products + windows + self.tiles * each


def winograd_of(kernel: Kernel, lanes: int, registers: int) -> Winograd | None:
    """How a contraction is computed by Winograd's algorithm; None if it cannot or should not be."""
    node = kernel.members[0].node
    window = winograd_window(node)
    if window is None:
        return None
    window_gradient = is_window_gradient(node)
    machine = Machine(lanes, registers).of(node.dtype)
    work = _axes(kernel, _SCHEMES[window], window_gradient, machine.lanes)
    contiguous = work.channel.a == 1 and (work.column.b == 1 or not window_gradient)
    if not contiguous or not _is_worth_it(work):
        return None
    return _cut_gradient(work, machine) if window_gradient else _cut(work, machine)


def _axes(kernel: Kernel, scheme: Scheme, window_gradient: bool, lanes: int) -> Winograd:
    node = kernel.members[0].node
    a_at, b_at, summed = operands(node)
    a = operand_position(node.inputs[0], a_at)[1]
    b = operand_position(node.inputs[1], b_at)[1]

    def strided(axis: int, extent: int) -> StridedAxis:
        return StridedAxis(axis, extent, a.factor(axis) or 0, b.factor(axis) or 0)

    size = summed[:2] if window_gradient else node.shape[1:3]
    # Within the window and from output to output, the signal has the same strides.
    y, x = (
        StridedAxis(axis, extent, a.factor(4 + axis) or 0, b.factor(4 + axis) or 0)
        for axis, extent in zip((1, 2), size, strict=True)
    )
    group, column = strided(3, node.shape[3]), strided(4, node.shape[4])
    image, channel = strided(0, node.shape[0]), strided(7, summed[2])
    if window_gradient:
        image, channel = channel, image
    kind = kind_of(node.dtype)
    return Winograd(scheme, window_gradient, group, image, y, x, channel, column, kind, lanes)


def _is_worth_it(work: Winograd) -> bool:
    """Whether the products saved outweigh the transforms, in rough cycles of one vector's work."""
    vectors = ceil(work.column.extent / work.lanes)
    signal = ceil(work.channel.extent / work.lanes)
    outputs = work.image.extent * work.y.extent * work.x.extent
    scheme = work.scheme
    direct = outputs * scheme.window**2 * work.channel.extent * vectors
    of_results = (scheme.read if work.window_gradient else scheme.write) * vectors
    each = scheme.points * work.channel.extent * vectors + scheme.read * signal + of_results
    once = scheme.write * work.channel.extent * vectors
    return work.tiles * each + once < _GAIN * direct


def _cut(work: Winograd, machine: Machine) -> Winograd:
    size = 8 if work.kind == "f64" else 4
    depth, columns = work.channel.extent, work.column.extent
    rows, vectors = machine.tile(work.tiles, columns, depth, work.padded_channels * size)
    width = vectors * work.lanes
    panels = ceil(columns / width)
    panel_block = min(max(_CACHE_BYTES // (work.scheme.points * depth * width * size), 1), panels)
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
    padded = ceil(channel_block / work.lanes) * work.lanes
    block_tiles = min(max(_NEAR_BYTES // (work.scheme.points * padded * size), 1), work.tiles)
    rows, vectors = machine.tile(channel_block, column_block, block_tiles)
    panel_block = ceil(column_block / (vectors * work.lanes))
    return replace(
        work,
        rows=rows,
        vectors=vectors,
        block_tiles=block_tiles,
        channel_block=channel_block,
        panel_block=panel_block,
    )
