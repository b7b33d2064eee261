"""Signatures: a hash of everything that a kernel's code depends on.

A signature covers the members, the nodes between them and the buffers, and the pointer of each buffer.
Kernels with the same signature share one function. A signature takes a fraction of the time of emitting
the code, so code in the cache is found without being emitted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.compile.op_facts import has_buffer
from pellucid.compile.plan.kernels import Kernel
from pellucid.graph.node import Literal, Node, State, ordered


def signature(
    kernel: Kernel, pointers: Mapping[Any, int], stores: Sequence[Sequence[object]]
) -> str:
    """The hash of everything that a kernel's code depends on.

    pointers: the number of each buffer. stores: the destinations of each member.
    """
    parts: list[object] = [kernel.kind, kernel.shape, kernel.reduced, kernel.copies is not None]
    parts.append(kernel.row_block)
    if kernel.panels is not None:
        parts.append((kernel.panels.shape, pointers[kernel.panels]))
    # A value that is copied is not computed, so its expression does not count.
    members = kernel.nodes() if kernel.copies is None else set()
    numbers: dict[Node, int] = {}
    for member, destinations in zip(kernel.members, stores, strict=True):
        for node in _expression(member.node, members, pointers, numbers):
            numbers[node] = len(numbers)
            stops = _is_read(node, members, pointers)
            inputs = () if stops else tuple(numbers[source] for source in node.inputs)
            parts.append((node.op, _attrs(node), str(node.type), inputs, _pointer(node, pointers)))
        parts.append(
            (numbers[member.node], member.at, member.scope, member.phase, tuple(destinations))
        )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _is_read(node: Node, members: set[Node], pointers: Mapping[Any, int]) -> bool:
    return node not in members and (has_buffer(node) or node in pointers)


def _expression(
    root: Node, members: set[Node], pointers: Mapping[Any, int], numbered: Mapping[Node, int]
) -> list[Node]:
    """The nodes that `root` is computed from, down to buffers, each after its inputs."""

    def descends(node: Node) -> bool:
        return node not in numbered and not _is_read(node, members, pointers)

    return [node for node in ordered([root], descends) if node not in numbered]


def _pointer(node: Node, pointers: Mapping[Any, int]) -> int | None:
    return pointers.get(node.attrs["state"] if node.op == "state" else node)


def _attrs(node: Node) -> tuple[tuple[str, str], ...]:
    """Attributes, without those that only identify a buffer."""
    if has_buffer(node):
        return ()
    return tuple((name, _text(value)) for name, value in sorted(node.attrs.items()))


def _text(value: object) -> str:
    if isinstance(value, Literal):
        return f"{value.array.dtype} {value.array.tobytes().hex()}"
    if isinstance(value, State):
        raise TypeError("a state is a buffer, not a setting")
    return value.hex() if isinstance(value, float) else repr(value)
