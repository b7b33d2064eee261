"""Megabytes that a package and everything it needs take on the disk: `python …/installed.py NAME…`.

It is run by the interpreter whose packages it weighs, and needs nothing that they may lack.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

_OWN = Path(__file__).parents[2] / "pellucid"


def needed(names: Iterable[str]) -> dict[str, Distribution]:
    """The installed distributions of these names and all that they require, without extras."""
    distributions: dict[str, Distribution] = {}
    pending = list(names)
    while pending:
        name = re.sub(r"[-_.]+", "-", pending.pop()).lower()
        if name in distributions:
            continue
        try:
            distributions[name] = distribution(name)
        except PackageNotFoundError:
            continue  # what only other systems or versions of Python need
        for wanted in distributions[name].requires or []:
            start = re.match(r"[\w.-]+", wanted)
            if start is not None and "extra ==" not in wanted.replace("'", '"'):
                pending.append(start[0])
    return distributions


def megabytes(names: Iterable[str]) -> float:
    """What their files take; of Pellucid the package itself, which is not installed but linked."""
    files: set[Path] = set()
    for name, installed in needed(names).items():
        if name == "pellucid":
            files.update(_OWN.rglob("*.py"))
        files.update(Path(str(file.locate())) for file in installed.files or [])
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


if __name__ == "__main__":
    print(megabytes(sys.argv[1:]))
