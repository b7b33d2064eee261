"""The bytes that hold a model or a checkpoint: safetensors, with JSON and a checksum as metadata.

Reading runs no code and trusts nothing. Bytes that `pack` would not write are refused with the reason,
before memory of the size that they claim is allocated: reading takes at most 64 times their length plus
64 MiB. The same content always gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from pellucid import schema
from pellucid.errors import ModelFileError

Array = np.ndarray[Any, Any]

FORMAT = "pellucid"
VERSION = 1
LONGEST = 2**27
"""Bytes of the description in a file."""

_BYTES = {"F64": 8, "F32": 4, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}
"""The types of arrays that a tensor can hold, by their names in the format, and bytes an element."""

_ENTRY = schema.record(
    dtype=schema.one_of(*_BYTES),
    shape=schema.items(schema.whole(0, 2**40), most=32),
    data_offsets=schema.items(schema.whole(), least=2, most=2),
)
_SEALED = schema.record(content=schema.text(LONGEST), sha256=schema.text(64))
_BODY = schema.record(
    format=schema.one_of(FORMAT),
    version=schema.whole(1),
    kind=schema.text(60),
    details=schema.mapping(schema.anything),
)


def pack(arrays: Mapping[str, Array], details: Mapping[str, Any], kind: str) -> bytes:
    """The bytes of a file of this kind ("model", "checkpoint")."""
    body = {"format": FORMAT, "version": VERSION, "kind": kind, "details": details}
    return seal(arrays, json.dumps(body, sort_keys=True, allow_nan=False, separators=(",", ":")))


def seal(arrays: Mapping[str, Array], text: str) -> bytes:
    """The bytes of arrays and a description, with the checksum of both."""
    from safetensors.numpy import save

    # Unlike ascontiguousarray, which makes a vector of a scalar.
    ordered = {name: np.asarray(arrays[name], order="C") for name in sorted(arrays)}
    digest = _digest(ordered, text)
    sealed = json.dumps({"content": text, "sha256": digest}, sort_keys=True)
    return save(ordered, metadata={FORMAT: sealed})


def unpack(
    content: bytes, kind: str | Sequence[str], name: str
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays and details of a file's bytes, of this kind or one of these.

    Raises ModelFileError naming what is wrong.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    header = _header(content, name)
    sealed = _sealed(header, name)
    _check_arrays(header, len(content) - 8 - int.from_bytes(content[:8], "little"), name)
    try:
        arrays = load(content)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ModelFileError(f"{name} is damaged: {_first_line(error)}.") from error
    text = sealed["content"]
    if _digest(dict(sorted(arrays.items())), text) != sealed["sha256"]:
        raise ModelFileError(f"{name} was altered or damaged: its checksum does not match.")
    kinds = (kind,) if isinstance(kind, str) else kind
    return arrays, _details(text, kinds, name)


def _digest(arrays: Mapping[str, Array], text: str) -> str:
    seal = hashlib.sha256(text.encode())
    for name, array in arrays.items():
        seal.update(f"\n{name} {array.dtype.name} {array.shape}\n".encode())
        seal.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return seal.hexdigest()


def _header(content: bytes, name: str) -> dict[str, Any]:
    if len(content) < 8:
        raise ModelFileError(f"{name} is not a model file: it has {len(content)} bytes.")
    length = int.from_bytes(content[:8], "little")
    if content[8:9] != b"{":
        raise ModelFileError(f"{name} is not a model file.")
    if length > len(content) - 8:
        raise ModelFileError(f"{name} is cut off: it ends within its header.")
    if length > LONGEST:
        raise ModelFileError(f"{name} is damaged: its header has more than {LONGEST:,} bytes.")
    try:
        header = schema.parse(content[8 : 8 + length].decode())
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
        sealed: dict[str, str] = _SEALED(schema.parse(metadata[FORMAT]), "it")
    except (ValueError, RecursionError, ModelFileError):
        raise ModelFileError(f"{name} is damaged: its description cannot be read.") from None
    return sealed


def _check_arrays(header: Mapping[str, Any], size: int, name: str) -> None:
    """Raise unless the arrays fill the bytes behind the header, one after another."""
    try:
        entries = [
            _ENTRY(entry, f"array {path[:60]!r}")
            for path, entry in header.items()
            if path != "__metadata__"
        ]
    except ModelFileError as error:
        raise ModelFileError(f"{name} is damaged: {error}.") from None
    end = 0
    for entry in sorted(entries, key=lambda entry: tuple(entry["data_offsets"])):
        start, stop = entry["data_offsets"]
        if start != end or stop - start != prod(entry["shape"]) * _BYTES[entry["dtype"]]:
            raise ModelFileError(f"{name} is damaged: its arrays do not fill the file.")
        end = stop
    if end != size:
        raise ModelFileError(f"{name} is cut off, or has more than its arrays.")


def _details(text: str, kinds: Sequence[str], name: str) -> dict[str, Any]:
    """The details in a sealed text."""
    try:
        value = schema.parse(text)
    except (ValueError, RecursionError) as error:
        reason = "" if isinstance(error, json.JSONDecodeError) else f", {error}"
        raise ModelFileError(f"{name} is damaged: its description is not JSON{reason}.") from None
    version = value.get("version") if isinstance(value, dict) else None
    if type(version) is int and version > VERSION:
        raise ModelFileError(
            f"{name} has format version {version}, this Pellucid reads up to {VERSION}: "
            "install a newer one."
        )
    try:
        body = _BODY(value, "its description")
    except ModelFileError as error:
        raise ModelFileError(f"{name} is damaged: {error}.") from None
    if body["kind"] not in kinds:
        raise ModelFileError(f"{name} holds a {body['kind']}, not a {' or a '.join(kinds)}.")
    details: dict[str, Any] = body["details"]
    return details


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["unreadable"])[0].rstrip(".")
