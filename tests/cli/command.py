"""Running the command line inside the test process."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np

from pellucid.cli.main import main

PENGUINS = Path(__file__).parents[2] / "pellucid" / "data" / "tables" / "penguins.csv"


@dataclass(frozen=True)
class Said:
    """What a command left: its exit code and both streams."""

    code: int
    out: str
    err: str


def pellucid(*arguments: object) -> Said:
    """Run `pellucid` with these arguments."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        mock.patch.object(sys, "argv", ["pellucid", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Said(code, out.getvalue(), err.getvalue())


def failed(*arguments: object) -> str:
    """The one sentence that a command fails with."""
    said = pellucid(*arguments)
    assert said.code == 1, said
    assert said.out == ""
    lines = said.err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("pellucid: "), said.err
    assert lines[0].endswith((".", "?")), lines[0]
    return lines[0].removeprefix("pellucid: ")


def write(path: Path, header: str, rows: Iterator[str] | list[str]) -> Path:
    """A CSV file."""
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def small(path: Path, rows: int = 60, header: str = "x,colour,y") -> Path:
    """A table with a number, a category and a target of two classes that they decide."""
    dice = np.random.default_rng(0)
    x = dice.normal(size=rows)
    colour = dice.choice(["red", "green", "blue"], rows)
    y = np.where(x + (colour == "red") > 0, "yes", "no")
    return write(path, header, [f"{a:.4f},{c},{t}" for a, c, t in zip(x, colour, y, strict=True)])
