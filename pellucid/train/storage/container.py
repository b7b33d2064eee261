"""Model files and checkpoints on disk: `pellucid.container` with a path."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid import container
from pellucid.errors import ModelFileError
from pellucid.graph import Array
from pellucid.train.plain import from_plain, to_plain
from pellucid.train.storage.files import write_atomically


def pack(arrays: Mapping[str, Array], details: Mapping[str, Any], kind: str) -> bytes:
    """The bytes of a file of this kind ("model", "checkpoint")."""
    return container.pack(arrays, to_plain(details), kind)


def unpack(
    content: bytes, kind: str | Sequence[str], name: str
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays and details of a file's bytes; raises ModelFileError naming what is wrong."""
    arrays, details = container.unpack(content, kind, name)
    try:
        return arrays, from_plain(details)
    except RecursionError:
        raise ModelFileError(f"{name} is damaged: its description is nested too deeply.") from None


def write(path: Path, arrays: Mapping[str, Array], details: Mapping[str, Any], kind: str) -> None:
    """Write a file atomically."""
    write_atomically(path, pack(arrays, details, kind))


def read(path: Path, kind: str | Sequence[str]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays and details of the file at `path`; raises ModelFileError naming what is wrong."""
    try:
        # A pipe would be waited for, and a device may never end.
        if not stat.S_ISREG(path.stat().st_mode):
            inside = f": name the model file in it, {path / 'model.safetensors'}"
            folder = f"a folder{inside if (path / 'model.safetensors').is_file() else ''}"
            what = folder if path.is_dir() else "not a file"
            raise ModelFileError(f"{path} is {what}.")
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelFileError(f"Cannot read {path}: {reason.lower()}.") from error
    return unpack(content, kind, str(path))
