"""The file that holds a model or a checkpoint: safetensors, with JSON and a checksum as metadata.

Loading runs no code and trusts nothing: a file that was cut off, altered, or written by something
else is refused with what is wrong. The same content always gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.errors import ModelFileError
from pellucid.graph import Array
from pellucid.train.files import write_atomically
from pellucid.train.plain import from_plain, to_plain

FORMAT = "pellucid"
VERSION = 1


def pack(arrays: Mapping[str, Array], details: Mapping[str, Any], kind: str) -> bytes:
    """The bytes of a file of this kind ("model", "checkpoint")."""
    from safetensors.numpy import save

    body = {"format": FORMAT, "version": VERSION, "kind": kind, "details": to_plain(details)}
    text = json.dumps(body, sort_keys=True, allow_nan=False, separators=(",", ":"))
    # Unlike ascontiguousarray, which makes a vector of a scalar.
    ordered = {name: np.asarray(arrays[name], order="C") for name in sorted(arrays)}
    digest = _digest(ordered, text)
    sealed = json.dumps({"content": text, "sha256": digest}, sort_keys=True)
    return save(ordered, metadata={FORMAT: sealed})


def unpack(content: bytes, kind: str, name: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays and details of a file's bytes; raises ModelFileError naming what is wrong."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    header = _header(content, name)
    sealed = _sealed(header, name)
    try:
        arrays = load(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{name} is damaged: {_first_line(error)}.") from error
    text = sealed["content"]
    if _digest(dict(sorted(arrays.items())), text) != sealed["sha256"]:
        raise ModelFileError(f"{name} was altered or damaged: its checksum does not match.")
    body = json.loads(text)
    if body["version"] > VERSION:
        raise ModelFileError(
            f"{name} has format version {body['version']}, this Pellucid reads up to {VERSION}: "
            "install a newer one."
        )
    if body["kind"] != kind:
        raise ModelFileError(f"{name} holds a {body['kind']}, not a {kind}.")
    try:
        details: dict[str, Any] = from_plain(body["details"])
    except RecursionError:
        raise ModelFileError(f"{name} is damaged: its description is nested too deeply.") from None
    return arrays, details


def write(path: Path, arrays: Mapping[str, Array], details: Mapping[str, Any], kind: str) -> None:
    """Write a file atomically."""
    write_atomically(path, pack(arrays, details, kind))


def read(path: Path, kind: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays and details of the file at `path`; raises ModelFileError naming what is wrong."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"There is no file {path}.") from None
    except OSError as error:
        raise ModelFileError(f"Cannot read {path}: {(error.strerror or '').lower()}.") from error
    return unpack(content, kind, str(path))


def _digest(arrays: Mapping[str, Array], text: str) -> str:
    seal = hashlib.sha256(text.encode())
    for name, array in arrays.items():
        seal.update(f"\n{name} {array.dtype.name} {array.shape}\n".encode())
        seal.update(np.ascontiguousarray(array).tobytes())
    return seal.hexdigest()


def _header(content: bytes, name: str) -> dict[str, Any]:
    if len(content) < 8:
        raise ModelFileError(f"{name} is not a model file: it has {len(content)} bytes.")
    length = int.from_bytes(content[:8], "little")
    if content[8:9] != b"{":
        raise ModelFileError(f"{name} is not a model file.")
    if length > len(content) - 8:
        raise ModelFileError(f"{name} is cut off: it ends within its header.")
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError):
        raise ModelFileError(f"{name} is not a model file, or its header is damaged.") from None
    if not isinstance(header, dict):
        raise ModelFileError(f"{name} is not a model file.")
    return header


def _sealed(header: dict[str, Any], name: str) -> dict[str, str]:
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or not isinstance(metadata.get(FORMAT), str):
        raise ModelFileError(f"{name} was not written by Pellucid.")
    try:
        sealed = json.loads(metadata[FORMAT])
        text, digest = sealed["content"], sealed["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ModelFileError(f"{name} is damaged: its description cannot be read.") from None
    if not isinstance(text, str) or not isinstance(digest, str):
        raise ModelFileError(f"{name} is damaged: its description cannot be read.")
    return {"content": text, "sha256": digest}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["unreadable"])[0].rstrip(".")
