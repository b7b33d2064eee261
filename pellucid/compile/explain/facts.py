"""What is known of a program and its kernels: the numbers behind the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KernelFacts:
    """One kernel of a program.

    level:    kernels of one level run side by side.
    function: its code, which equal kernels share.
    kind:     "contraction" (a product of matrices or a convolution), "winograd" (a convolution by
              Winograd's algorithm, see `tile.winograd`), "loops" (over elements, with any reductions),
              "draw" (random numbers), "scatter" (sums into rows) or "copy".
    shape:    of its domain.
    layers:   the parts of the network that it computes, "∂" for the backward pass of one.
    ops:      the graph's ops that it computes together.
    moved:    bytes that it reads and writes if every element is touched once.
    flops:    floating-point operations, a multiply-add counting two.
    tasks:    pieces that threads share.
    seconds:  that a step spends in it, if it was measured.
    """

    level: int
    function: str
    kind: str
    shape: tuple[int, ...]
    layers: tuple[str, ...]
    ops: tuple[str, ...]
    moved: int
    flops: int
    tasks: int
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class ProgramFacts:
    """A program's kernels and what it needs.

    levels: that a step goes through. threads: that run it. instructions: the instruction set, whose
    vectors hold `lanes` float32 elements. memory_bytes: of the arena, which holds the values that one
    kernel leaves to another.
    seconds: that a step takes, and peak: the operations a second that the machine can do at most on
    the program's threads, if they were measured.
    """

    kernels: tuple[KernelFacts, ...]
    levels: int
    threads: int
    instructions: str
    lanes: int
    memory_bytes: int
    seconds: float | None = None
    peak: float | None = None

    @property
    def flops(self) -> int:
        """Floating-point operations of one step."""
        return sum(kernel.flops for kernel in self.kernels)
