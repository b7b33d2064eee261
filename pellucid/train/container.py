"""Model files and checkpoints on disk: `pellucid.container` with a path."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pellucid.container import pack, unpack
from pellucid.errors import ModelFileError
from pellucid.graph import Array
from pellucid.train.files import write_atomically

__all__ = ["pack", "read", "unpack", "write"]


def write(path: Path, arrays: Mapping[str, Array], details: Mapping[str, Any], kind: str) -> None:
    """Write a file atomically."""
    write_atomically(path, pack(arrays, details, kind))


def read(path: Path, kind: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays and details of the file at `path`; raises ModelFileError naming what is wrong."""
    try:
        # A pipe would be waited for, and a device may never end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ModelFileError(f"{path} is not a file.")
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelFileError(f"Cannot read {path}: {reason.lower()}.") from error
    return unpack(content, kind, str(path))
