"""Damage to files: to their bytes, their text and what they say, with a checksum that is right."""

from __future__ import annotations

import contextlib
import json
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.container import FORMAT, seal
from pellucid.graph import Array
from pellucid.nn.registry import FAMILIES
from pellucid.parts import library

Dice = random.Random

VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2,
        3,
        7,
        64,
        255,
        1000,
        30_000,
        10**6,
        2**31,
        2**53,
        2**63,
        10**18,
    ),
    *(0.5, -0.0, 1e-300, 5e-324, 1e30, 1e308, -1e308),
    *("", "x", "é", "\u0000", "a.b", "net", "net.layers.0", "same", "x" * 5000, "__main__:Mine"),
    *(
        {"type": "tuple", "items": [1]},
        {"type": "float", "value": "nan"},
        {"type": "dict", "items": 3},
    ),
    {"type": "Parameter", "dtype": "float32", "shape": [2**20, 2**20], "role": "weight"},
    {"type": "array", "dtype": "uint8", "shape": [2], "items": [1, 300]},
    *([], {}, [[]], [{}], [0] * 40, [["0", {}]], {"type": "Shared", "with": "net.layers.0"}),
    *({"type": "Linear", "features": 3}, {"type": "GRU", "units": 2}, {"type": "Upsample"}),
)
TOKENS = (
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-0",
        "00",
        "1" * 5000,
        '"\\ud800"',
        '"\\u0000"',
        "''",
    ),
    *("[" * 5000, "[" * 100_000, "{", "}", "]", "", "tru", '{"a":1,"a":2}', "\ufeff", "1e-999"),
)
DTYPES = ("float32", "float64", "int32", "int64", "uint8", "bool", "float16", "uint16", "int8")
MOST = 200_000
"""Characters of a description, from which on it grows no more."""


def mutated(content: bytes, dice: Dice) -> bytes:
    """The file with one to three kinds of damage."""
    if dice.random() < 0.2:
        return _bytes(content, dice)
    arrays, text = opened(content)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        chosen = dice.choice((_arrays, _value, _value, _value, _value, _text))
        arrays, text = chosen(arrays, text, dice)
    try:
        whole = seal(arrays, text)
    except (ValueError, UnicodeError):  # what even a forger cannot write
        return _bytes(content, dice)
    return _header(whole, dice) if dice.random() < 0.1 else whole


def opened(content: bytes) -> tuple[dict[str, Array], str]:
    """Arrays and description of a file that is right."""
    from safetensors.numpy import load

    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    text: str = json.loads(header["__metadata__"][FORMAT])["content"]
    return load(content), text


# -- bytes --------------------------------------------------------------------------------------


def _bytes(content: bytes, dice: Dice) -> bytes:
    """Some bytes changed, removed, repeated or put in."""
    changed = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 8))):
        start = dice.randrange(len(changed) + 1)
        stop = min(start + dice.choice((0, 1, 1, 4, 50)), len(changed))
        new = bytes(dice.randrange(256) for _ in range(dice.choice((0, 1, 1, 8))))
        changed[start:stop] = dice.choice((new, new, bytes(changed[start:stop]) * 2))
    return bytes(changed)


def _header(content: bytes, dice: Dice) -> bytes:
    """The header of the format changed, field by field."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    names = [name for name in header if name != "__metadata__"]
    if not names:
        return content
    entry = header[dice.choice(names)]
    key = dice.choice(("dtype", "shape", "data_offsets"))
    others: dict[str, tuple[Any, ...]] = {
        "dtype": ("F8_E4M3", "BF16", "F16", "F64", "U64", "BOOL", 3, "", None),
        "shape": ([], [0], [2**63], [-1], [0, 2**63], [1] * 100, [2**40, 2**40], [1.5], None),
        "data_offsets": ([0, 0], [0, 2**63], [4, 0], [-4, 4], [0], None, entry.get("data_offsets")),
    }
    entry[key] = dice.choice(others[key])
    written = json.dumps(header).encode()
    if dice.random() < 0.2:
        length = dice.choice((0, 1, len(written) - 1, len(written) + 1, 2**63, 2**64 - 1))
        return length.to_bytes(8, "little") + written + content[8 + length :]
    return len(written).to_bytes(8, "little") + written + content[8 + length :]


# -- arrays -------------------------------------------------------------------------------------


def _arrays(arrays: dict[str, Array], text: str, dice: Dice) -> tuple[dict[str, Array], str]:
    """An array added, removed, renamed, or of another shape, type or content."""
    changed = dict(arrays)
    extra = dice.choice(("1/W", "0/none", "", "00/0.W", "0", "x" * 300, "now/x", "best/x"))
    if not changed or dice.random() < 0.15:
        return {**changed, extra: np.zeros(dice.choice(((), (2,), (0, 3))), np.float32)}, text
    name = dice.choice(sorted(changed))
    array = changed.pop(name)
    changes: tuple[Callable[[], None], ...] = (
        lambda: None,
        lambda: changed.update({extra: array}),
        lambda: changed.update({name: array.astype(dice.choice(DTYPES))}),
        lambda: changed.update({name: array.reshape(-1)}),
        lambda: changed.update({name: array[None]}),
        lambda: changed.update({name: array.T}),
        lambda: changed.update({name: array[..., :0]} if array.ndim else {name: array[None, None]}),
        lambda: changed.update(
            {name: np.full_like(array, {"f": np.nan, "u": 255}.get(array.dtype.kind, -1))}
        ),
        lambda: changed.update({name: np.zeros((1,) * 32, array.dtype)}),
    )
    with np.errstate(all="ignore"):
        dice.choice(changes)()
    return changed, text


# -- text ---------------------------------------------------------------------------------------

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[\[\]{}:,]')


def _text(arrays: dict[str, Array], text: str, dice: Dice) -> tuple[dict[str, Array], str]:
    """A token replaced by another that JSON does not have, or that a reader stumbles over."""
    tokens = list(_TOKEN.finditer(text))
    if not tokens or len(text) > MOST:
        return arrays, text
    token = dice.choice(tokens)
    new = dice.choice((*TOKENS, dice.choice(tokens).group()))
    return arrays, text[: token.start()] + new + text[token.end() :]


# -- what it says -------------------------------------------------------------------------------


def _value(arrays: dict[str, Array], text: str, dice: Dice) -> tuple[dict[str, Array], str]:
    """A value replaced, removed, renamed, repeated, scaled, nested or exchanged."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return arrays, text
    slots = _slots(body.get("details") if isinstance(body, dict) else body)
    if not slots or len(text) > MOST:
        return arrays, text
    owner, key = dice.choice(slots)
    change = dice.choice((_replace, _replace, _remove, _rename, _repeat, _scale, _nest, _exchange))
    with contextlib.suppress(RecursionError):
        change(owner, key, slots, dice)
    if dice.random() < 0.02 and isinstance(body, dict):
        body[dice.choice(("version", "kind", "format", "details"))] = dice.choice(VALUES)
    try:
        return arrays, json.dumps(body, sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return arrays, text


Slot = tuple[Any, Any]
"""A container of JSON, and a key or an index of it."""


def _slots(value: Any) -> list[Slot]:
    """Each slot of a plain JSON value: its container, and its key or index there."""
    slots: list[Slot] = []
    pending = [value] if isinstance(value, (list, dict)) else []
    while pending:
        owner = pending.pop()
        keys = list(owner) if isinstance(owner, dict) else range(len(owner))
        slots.extend((owner, key) for key in keys)
        pending.extend(
            owner[key] for key in keys if isinstance(owner[key], (list, dict)) and owner[key]
        )
    return slots


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _replace(owner: Any, key: Any, slots: list[Slot], dice: Dice) -> None:
    kinds = [{"type": name} for name in library(*FAMILIES)]
    owner[key] = _copy(dice.choice((*VALUES, dice.choice(kinds), dice.choice(kinds))))


def _remove(owner: Any, key: Any, slots: list[Slot], dice: Dice) -> None:
    del owner[key]


def _rename(owner: Any, key: Any, slots: list[Slot], dice: Dice) -> None:
    name = dice.choice(("", "type", "W", "_built", "forward", "layers", "__class__", "x" * 1000))
    value = owner[key]
    if isinstance(owner, dict):
        del owner[key]
        owner[name] = value
    else:
        owner.append(name)


def _repeat(owner: Any, key: Any, slots: list[Slot], dice: Dice) -> None:
    if isinstance(owner, list):
        owner.extend(_copy([owner[key]] * dice.choice((1, 5, 100))))
    else:
        owner[f"{key}{dice.randrange(10)}"] = _copy(owner[key])


def _scale(owner: Any, key: Any, slots: list[Slot], dice: Dice) -> None:
    numbers = [(o, k) for o, k in slots if isinstance(o[k] if _has(o, k) else None, (int, float))]
    if numbers:
        owner, key = dice.choice(numbers)
        owner[key] = owner[key] * dice.choice((-1, 0, 2, 3, 10, 100, 10**4, 10**6, 10**9, 0.5))


def _has(owner: Any, key: Any) -> bool:
    return key in owner if isinstance(owner, dict) else key < len(owner)


def _nest(owner: Any, key: Any, slots: list[Slot], dice: Dice) -> None:
    for _ in range(dice.choice((1, 2, 30, 300))):
        inner = owner[key]
        owner[key] = dice.choice(
            (
                {"type": "Sequential", "layers": [["0", inner]]},
                {
                    "type": "Sequential",
                    "layers": [["0", inner], ["1", {"type": "Shared", "with": "net"}]],
                },
                {"type": "Residual", "block": inner},
                {"type": "Parallel", "layers": [["a", inner], ["b", {"type": "Identity"}]]},
                [inner],
            )
        )
        if _length(owner[key]) > MOST:
            break


def _length(value: Any) -> int:
    """Characters of a value; of one too deep to be written, more than any has."""
    try:
        return len(json.dumps(value))
    except RecursionError:
        return MOST + 1


def _exchange(owner: Any, key: Any, slots: list[Slot], dice: Dice) -> None:
    other, other_key = dice.choice(slots)
    if _has(other, other_key):
        owner[key] = _copy(other[other_key])
