"""The kernels of a program as a table that fits a terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence

from pellucid.compile.explain.facts import KernelFacts, ProgramFacts

_NARROWEST, _WIDEST = 80, 120
_INDENT = 7
_MOST_LINES = 3
_KINDS = {
    "contraction": "a product of matrices or a convolution, with what follows from each element",
    "winograd": "a convolution by Winograd's algorithm, which takes fewer multiplications than its sum",
    "loops": "operations element by element, sums and maxima (a nest, in its code)",
    "draw": "random numbers",
    "scatter": "rows that are added to rows",
    "copy": "a value that is copied into a state",
}


def table(program: ProgramFacts, width: int | None = None, legend: bool = True) -> str:
    """A summary, two to four lines for each kernel, and a legend of the columns.

    width:  of the text, by default that of the terminal within 80 and 120.
    legend: whether the legend follows.

    Kernels that do the same for the same layers (the steps of a recurrent network) share an entry.
    """
    if width is None:
        columns = shutil.get_terminal_size((100, 24)).columns
        width = min(max(columns, _NARROWEST), _WIDEST)
    groups = _grouped(program.kernels)
    shapes = True
    lines = _numbers(program, groups, shapes)
    if max(map(len, lines)) > width:
        shapes = False
        lines = _numbers(program, groups, shapes)
    page = [*_summary(program, width), "", lines[0], "─" * max(map(len, lines))]
    for line, group in zip(lines[1:], groups, strict=False):
        over = "" if shapes else f"{_shape(group[0])} of "
        page += [line, *_computes(group[0], over, width)]
    page += lines[len(groups) + 1 :]
    return "\n".join([*page, "", *_legend(program, width)] if legend else page)


def _grouped(kernels: Sequence[KernelFacts]) -> list[list[KernelFacts]]:
    groups: dict[tuple[object, ...], list[KernelFacts]] = {}
    for kernel in kernels:
        key = (kernel.kind, kernel.shape, kernel.layers, kernel.ops)
        groups.setdefault(key, []).append(kernel)
    return list(groups.values())


def _summary(program: ProgramFacts, width: int) -> list[str]:
    on = _several(program.threads, "thread")
    text = (
        f"{_several(len(program.kernels), 'kernel')} in "
        f"{_several(program.levels, 'level')} on {on}, for "
        f"{program.instructions} ({program.lanes} floats in a register); "
        f"{bytes_text(program.memory_bytes)} of memory for values that one kernel leaves to another."
    )
    if program.seconds is not None and program.peak is not None:
        rate = program.flops / program.seconds
        text += (
            f" A step takes {time_text(program.seconds)}: {rate / 1e9:,.1f} GFLOP/s, "
            f"{rate / program.peak:.0%} of the {program.peak / 1e9:,.0f} GFLOP/s of "
            f"multiply-adds that this machine can do at most on {on}."
        )
    return _wrapped(text, width)


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _numbers(program: ProgramFacts, groups: list[list[KernelFacts]], shapes: bool) -> list[str]:
    """The head, a line for each group, and the sum of all; with shapes or without."""
    rows = [_head(program), *(_cells(program, group, shapes) for group in groups)]
    if groups:
        rows.append(_total(program))
    return _aligned(rows)


def _shape(kernel: KernelFacts) -> str:
    """The lengths of its axes, those of 1 left out."""
    return "×".join(str(length) for length in kernel.shape if length != 1) or "1"


def _head(program: ProgramFacts) -> list[str]:
    head = ["level", "kernel", "memory", "flops"]
    return head if program.seconds is None else [*head, "time", "step", "speed", "peak"]


def _cells(program: ProgramFacts, group: list[KernelFacts], shapes: bool) -> list[str]:
    first, last = group[0], group[-1]
    times = f"{len(group)}× " if len(group) > 1 else ""
    shape = f" {_shape(first)}" if shapes else ""
    moved, flops = sum(k.moved for k in group), sum(k.flops for k in group)
    cells = [
        str(first.level) if first.level == last.level else f"{first.level}–{last.level}",
        f"{times}{first.kind}{shape}",
        bytes_text(moved),
        count_text(flops),
    ]
    if program.seconds is None or program.peak is None:
        return cells
    seconds = max(sum(k.seconds or 0.0 for k in group), 1e-12)
    cells += [time_text(seconds), f"{seconds / program.seconds:.0%}"]
    if first.kind in ("contraction", "winograd"):
        rate = flops / seconds
        return [*cells, f"{rate / 1e9:,.1f} GFLOP/s", f"{rate / program.peak:.0%}"]
    return [*cells, f"{moved / seconds / 1e9:,.1f} GB/s", ""]


def _total(program: ProgramFacts) -> list[str]:
    moved = sum(kernel.moved for kernel in program.kernels)
    cells = ["", "together", bytes_text(moved), count_text(program.flops)]
    if program.seconds is None or program.peak is None:
        return cells
    rate = program.flops / program.seconds
    speed = [f"{rate / 1e9:,.1f} GFLOP/s", f"{rate / program.peak:.0%}"]
    return [*cells, time_text(program.seconds), "100%", *speed]


def _computes(kernel: KernelFacts, over: str, width: int) -> list[str]:
    """The layers and the ops of a kernel; of a long list of ops the middle is left out."""
    where = f"{over}{', '.join(kernel.layers)}: " if kernel.layers else over
    count = len(kernel.ops)
    for shown in range(count, 0, -1):
        cut = [] if shown == count else ["…"]
        ops = [*kernel.ops[: (shown + 1) // 2], *cut, *kernel.ops[count - shown // 2 :]]
        lines = _wrapped(where + " → ".join(ops), width, _INDENT)
        if len(lines) <= _MOST_LINES:
            return lines
    return _wrapped(where + "…" if count else "a value computed before", width, _INDENT)


def _legend(program: ProgramFacts, width: int) -> list[str]:
    present = {kernel.kind for kernel in program.kernels}
    kinds = [f"{kind}: {said}" for kind, said in _KINDS.items() if kind in present]
    text = [
        "A kernel goes over memory once and computes several operations of the graph at once. "
        "Kernels of one level run side by side; the next level waits for them.",
        f"{'. '.join(kinds)}.",
        "memory: bytes read and written if each element is touched once. flops: floating-point "
        "operations, a multiply-add counting two.",
    ]
    if any(layer.startswith("∂") for kernel in program.kernels for layer in kernel.layers):
        text.append("∂: the backward pass of a layer.")
    if program.seconds is not None:
        text.append(
            "step: share of the step's time. speed: flops a second of contractions and "
            "winograd, bytes a second "
            "of others. peak: share of the most flops that this machine can do."
        )
    return [line for part in text for line in _wrapped(part, width)]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines: the first two columns to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if at < 2 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    space = " " * indent
    return textwrap.wrap(
        text, width, initial_indent=space, subsequent_indent=space, break_on_hyphens=False
    )


def time_text(seconds: float) -> str:
    """A time in three digits."""
    for unit, factor in (("ns", 1e9), ("µs", 1e6), ("ms", 1e3)):
        if seconds * factor < 999.5:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def bytes_text(size: float) -> str:
    """A number of bytes in three digits."""
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def count_text(number: float) -> str:
    """A large number in three digits."""
    for unit in ("", "k", "M"):
        if number < 999.5:
            return f"{number:.3g}{unit}"
        number /= 1000
    return f"{number:.3g}G"
