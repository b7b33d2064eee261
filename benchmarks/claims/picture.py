"""Plots of the claims: lines with the deviation over seeds, as a page (plotly) and as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.claims.common import deviation
from pellucid.train.storage.files import write_atomically

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe & Ito 2008
DASHES = ("solid", "dash", "dot", "dashdot")
_STROKES = {"solid": "none", "dash": "9 5", "dot": "2 4", "dashdot": "9 4 2 4"}
Style = Literal["lines+markers", "lines", "markers"]
WIDTH, HEIGHT = 800, 480
LEFT, RIGHT, TOP, BOTTOM = 80, 560, 50, 420


@dataclass(frozen=True)
class Series:
    """x, the mean of y over the seeds, and its deviation, as a line, as points or as both."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    deviations: tuple[float, ...]
    style: Style = "lines+markers"

    @classmethod
    def of(
        cls,
        label: str,
        x: Sequence[float],
        seeds: Sequence[Sequence[float]],
        style: Style = "lines+markers",
    ) -> Series:
        """The line of one list of y for each seed; up to where the shortest ends."""
        columns = list(zip(*seeds, strict=False))
        return cls(
            label,
            tuple(float(value) for value in x[: len(columns)]),
            tuple(float(np.mean(column)) for column in columns),
            tuple(deviation(column) for column in columns),
            style,
        )


@dataclass(frozen=True)
class Plot:
    """What stands around the lines. log_x, log_y: logarithmic axes, ticks where x has values."""

    title: str
    x: str
    y: str
    log_x: bool = False
    log_y: bool = False


def draw(plot: Plot, series: Sequence[Series], path: Path) -> None:
    """Write path.html and path.svg."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page, picture = path.with_suffix(".html"), path.with_suffix(".svg")
    _write_page(plot, series, page)
    write_atomically(picture, svg(plot, series).encode())
    print(f"plots: {page} and {picture.name}")


def _write_page(plot: Plot, series: Sequence[Series], page: Path) -> None:
    import plotly.graph_objects as go

    figure = go.Figure()
    for number, line in enumerate(series):
        figure.add_trace(
            go.Scatter(
                x=line.x,
                y=line.y,
                error_y={"type": "data", "array": line.deviations, "thickness": 1.2, "width": 4},
                name=line.label,
                mode=line.style,
                line={"color": _colour(number), "dash": _dash(number)},
            )
        )
    figure.update_layout(
        template="simple_white",
        title=plot.title,
        xaxis_title=plot.x,
        yaxis_title=plot.y,
        width=WIDTH,
        height=HEIGHT,
        font={"size": 14},
    )
    if plot.log_x:
        across = sorted({value for line in series for value in line.x})
        figure.update_xaxes(type="log", tickvals=across, ticktext=[_number(v) for v in across])
    if plot.log_y:
        up = [value for line in series for value in line.y if value > 0]
        labelled = ticks(min(up), max(up), True)
        figure.update_yaxes(type="log", tickvals=labelled, ticktext=[_number(v) for v in labelled])
    else:
        figure.update_yaxes(rangemode="tozero")
    figure.write_html(page, include_plotlyjs=True)


def svg(plot: Plot, series: Sequence[Series]) -> str:
    """The plot as one SVG element; y begins at 0 unless it is logarithmic."""
    across = [value for line in series for value in line.x]
    tops = [v + d for line in series for v, d in zip(line.y, line.deviations, strict=True)]
    low = min(v for line in series for v in line.y) if plot.log_y else 0.0
    x_at = _scale(min(across), max(across), LEFT + 15, RIGHT - 15, plot.log_x)
    y_at = _scale(low, max(tops), BOTTOM - (10 if plot.log_y else 0), TOP + 10, plot.log_y)
    x_ticks = sorted(set(across)) if plot.log_x else ticks(min(across), max(across), False)
    y_ticks = ticks(low, max(tops), plot.log_y)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="14" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 28, plot.title, "start", 'font-size="17"'),
        f'<path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" fill="none" stroke="#222"/>',
    ]
    for value in y_ticks:
        at = y_at(value)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{RIGHT}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, at + 5, _number(value), "end"))
    for value in x_ticks:
        at = x_at(value)
        parts.append(f'<path d="M{at:.1f} {BOTTOM}v5" stroke="#222"/>')
        parts.append(_text(at, BOTTOM + 22, _number(value), "middle"))
    middle = (TOP + BOTTOM) / 2
    turned = f'transform="rotate(-90 22 {middle:g})"'
    parts.append(_text((LEFT + RIGHT) / 2, BOTTOM + 48, plot.x, "middle"))
    parts.append(_text(22, middle, plot.y, "middle", turned))
    for number, line in enumerate(series):
        parts += _line(line, number, x_at, y_at, low)
    return "\n".join([*parts, "</svg>\n"])


def _line(
    line: Series,
    number: int,
    x_at: Callable[[float], float],
    y_at: Callable[[float], float],
    low: float,
) -> list[str]:
    """The line, its points, their deviations and its name in the legend."""
    colour = _colour(number)
    dashes = f'stroke-dasharray="{_STROKES[_dash(number)]}"'
    points = [(x_at(x), y_at(y)) for x, y in zip(line.x, line.y, strict=True)]
    parts: list[str] = []
    if "lines" in line.style:
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(
            f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2" {dashes}/>'
        )
    for (x, y), value, size in zip(points, line.y, line.deviations, strict=True):
        if "markers" in line.style:
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
        if size:
            top, bottom = y_at(value + size), y_at(max(value - size, low))
            parts.append(
                f'<path d="M{x - 4:.1f} {top:.1f}h8m-4 0V{bottom:.1f}m-4 0h8" '
                f'fill="none" stroke="{colour}"/>'
            )
    at = TOP + 12 + 24 * number
    if "lines" in line.style:
        parts.append(
            f'<path d="M{RIGHT + 15} {at}h30" stroke="{colour}" stroke-width="2" {dashes}/>'
        )
    if "markers" in line.style:
        parts.append(f'<circle cx="{RIGHT + 30}" cy="{at}" r="3.5" fill="{colour}"/>')
    parts.append(_text(RIGHT + 53, at + 5, line.label, "start"))
    return parts


def ticks(low: float, high: float, logarithmic: bool) -> list[float]:
    """Round numbers from low to high: 1, 2 and 5 times powers of ten, or powers if there are many."""
    if not logarithmic:
        rough = (high - low) / 6 or 1.0
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
        first = math.ceil(low / step - 1e-9)
        return [step * i for i in range(first, math.floor(high / step + 1e-9) + 1)]
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    candidates = [m * 10.0**p for p in powers for m in (1, 2, 5)]
    inside = [value for value in candidates if low * 0.999 <= value <= high * 1.001]
    if len(inside) <= 8:
        return inside
    return [10.0**p for p in powers if low * 0.999 <= 10.0**p <= high * 1.001]


def _scale(
    low: float, high: float, start: float, end: float, logarithmic: bool
) -> Callable[[float], float]:
    """Where a value is drawn; values below a logarithmic axis are drawn at its beginning."""

    def of(value: float) -> float:
        return math.log(max(value, low)) if logarithmic else value

    first, last = of(low), of(high)
    return lambda value: start + (end - start) * (of(value) - first) / ((last - first) or 1.0)


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _dash(number: int) -> str:
    return DASHES[number % len(DASHES)]
