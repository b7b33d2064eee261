"""What a kernel's code depends on, as text: kernels with the same signature share one function.

A signature describes the members, everything between them and the buffers, and which pointer each
buffer is. Writing it takes a fraction of the time of writing the code, so code that is in the cache
need not be written to be found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.compile.op_facts import has_buffer
from pellucid.compile.plan.kernels import Kernel
from pellucid.graph.node import Literal, Node, State


def signature(
    kernel: Kernel, pointers: Mapping[Any, int], stores: Sequence[Sequence[object]]
) -> str:
    """The hash of all that a kernel's code depends on.

    pointers: the number of each buffer. stores: what each member is written to.
    """
    parts: list[object] = [kernel.kind, kernel.shape, kernel.reduced, kernel.copies is not None]
    parts.append(kernel.row_block)
    if kernel.panels is not None:
        parts.append((kernel.panels.shape, pointers[kernel.panels]))
    # What is only copied is not computed, however much lies below it.
    members = kernel.nodes() if kernel.copies is None else set()
    numbers: dict[Node, int] = {}
    for member, places in zip(kernel.members, stores, strict=True):
        for node in _below(member.node, members, pointers, numbers):
            numbers[node] = len(numbers)
            stops = _is_stop(node, members, pointers)
            inputs = () if stops else tuple(numbers[source] for source in node.inputs)
            parts.append((node.op, _attrs(node), str(node.type), inputs, _pointer(node, pointers)))
        parts.append((numbers[member.node], member.at, member.scope, member.phase, tuple(places)))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _is_stop(node: Node, members: set[Node], pointers: Mapping[Any, int]) -> bool:
    return node not in members and (has_buffer(node) or node in pointers)


def _below(
    root: Node, members: set[Node], pointers: Mapping[Any, int], done: Mapping[Node, int]
) -> list[Node]:
    """The nodes that `root` is computed from, down to buffers, each after its inputs."""
    order: dict[Node, None] = {}
    pending = [(root, False)]
    while pending:
        node, inputs_done = pending.pop()
        if node in done or node in order:
            continue
        if inputs_done or not node.inputs or _is_stop(node, members, pointers):
            order[node] = None
            continue
        pending.append((node, True))
        pending.extend((source, False) for source in reversed(node.inputs))
    return list(order)


def _pointer(node: Node, pointers: Mapping[Any, int]) -> int | None:
    return pointers.get(node.attrs["state"] if node.op == "state" else node)


def _attrs(node: Node) -> tuple[tuple[str, str], ...]:
    """Attributes but those that only say which buffer it is."""
    if has_buffer(node):
        return ()
    return tuple((name, _text(value)) for name, value in sorted(node.attrs.items()))


def _text(value: object) -> str:
    if isinstance(value, Literal):
        return f"{value.array.dtype} {value.array.tobytes().hex()}"
    if isinstance(value, State):
        raise TypeError("a state is a buffer, not a setting")
    return value.hex() if isinstance(value, float) else repr(value)
