"""Nodes: immutable, interned applications of ops.

Building the same node twice gives the same object, so common subexpressions vanish by construction
and two nodes are equal exactly when they are the same object.
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from pellucid.graph.arrays import array_of, supported
from pellucid.graph.dtype import DType, fitted
from pellucid.graph.op import TABLE, Array, Attrs, Shape, TensorType
from pellucid.graph.origin import current_origin, origin
from pellucid.limits import budget

_CONTENT_INTERNED_BYTES = 256


class State:
    """A named array that lives from step to step: a parameter, a running statistic, a moment, data.

    `value` is read when a graph runs; a step's updates and assignments write into it in place. A copy
    is a state of its own, with its own memory. Raises TypeError for a value that is not numbers,
    ValueError for numbers that would change by being held, such as integers beyond the type.
    """

    __slots__ = ("__weakref__", "_value", "name")

    def __init__(self, value: Array, name: str = "") -> None:
        self._value = supported(value)
        self.name = name

    @property
    def value(self) -> Array:
        """The array itself, not a copy."""
        return self._value

    @value.setter
    def value(self, new: Array) -> None:
        try:
            value = self._fitted(new)
        except (ValueError, TypeError) as error:
            error.add_note(f"in state {self.name!r}")
            raise
        if value.shape != self._value.shape:
            raise ValueError(
                f"state {self.name!r} has shape {self._value.shape}, got a value of {value.shape}"
            )
        self._value[...] = value

    def _fitted(self, new: Any) -> Array:
        """`new` in the type of the value; raises TypeError or ValueError if that cannot hold it."""
        array = array_of(new)
        same = array.dtype == self._value.dtype
        return array if same else fitted(supported(array), self._value.dtype)

    def rebind(self, storage: Array) -> None:
        """Move the value into `storage` (same shape and type), which holds it from now on.

        Raises ValueError for memory that a program could not use as it is: its elements lie side by
        side in C order, aligned and writeable.
        """
        if not isinstance(storage, np.ndarray):
            raise TypeError(
                f"state {self.name!r} lives in an array, got a {type(storage).__name__}"
            )
        if storage.shape != self._value.shape or storage.dtype != self._value.dtype:
            raise ValueError(
                f"state {self.name!r} holds {TensorType(self._value.shape, self._value.dtype)}; it "
                f"cannot live in storage of another type, {storage.dtype.str}{list(storage.shape)}"
            )
        if not storage.flags.carray:
            raise ValueError(
                f"state {self.name!r} cannot live in storage that is read-only, misaligned or not "
                "side by side in C order; give it np.empty(shape, dtype) or a row of such an array"
            )
        storage[...] = self._value
        self._value = storage

    def __copy__(self) -> State:
        return State(self._value, self.name)

    def __deepcopy__(self, memo: dict[int, Any]) -> State:
        return State(self._value, self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        return State, (self._value, self.name)

    def __repr__(self) -> str:
        return f"State({self.name!r}, {TensorType(self._value.shape, self._value.dtype)})"


class Literal:
    """A constant array as a hashable attribute: small ones equal by content, large by identity."""

    __slots__ = ("_key", "array")

    def __init__(self, array: Array) -> None:
        self.array = supported(array)
        self.array.flags.writeable = False
        small = self.array.nbytes <= _CONTENT_INTERNED_BYTES
        content = (self.array.shape, self.array.dtype.name, self.array.tobytes()) if small else ()
        self._key: Any = content if small else id(self)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and self._key == other._key

    def __copy__(self) -> Literal:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Literal:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Literal, (self.array,)

    def __repr__(self) -> str:
        return np.array2string(self.array, threshold=6, precision=6)


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class Node:
    """One application of an op to other nodes. Make nodes with `apply`, never directly.

    origin: the part of a network that it was first made for (see `origin`), for error messages.
    """

    op: str
    inputs: tuple[Node, ...]
    attrs: Attrs
    type: TensorType
    origin: str = ""

    @property
    def shape(self) -> Shape:
        """Lengths of the axes."""
        return self.type.shape

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        return self.type.dtype

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.type.shape)

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Node:
        return _copied(self, memo)

    def __repr__(self) -> str:
        return f"{self.op}:{self.type}"


_interned: WeakValueDictionary[tuple[Any, ...], Node] = WeakValueDictionary()
_lock = threading.RLock()  # what collects garbage, or handles a signal, may build graph


def _renew_lock() -> None:
    """In a forked child, where a thread that held the lock is gone; the table itself is whole."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def _identity(value: Any) -> Any:
    """A value that tells attributes apart: 0.0 and −0.0 are two, NaN is one."""
    return value.hex() if isinstance(value, float) else value


def apply(op: str, inputs: Sequence[Node] = (), **attrs: Any) -> Node:
    """The node that applies `op` to `inputs`; the same arguments give the same object.

    Raises ValueError or TypeError when the op does not take inputs of these types.
    """
    if op not in TABLE:
        raise ValueError(f"there is no op {op!r}")
    entry = TABLE[op]
    result = entry.infer(*(node.type for node in inputs), **attrs)
    limit = budget()
    if limit is not None:
        limit.node(result.shape, len(inputs), _terms(op, inputs), entry.kind == "movement")
    # Inputs are named by identity: an interned node keeps its inputs alive, so no id is reused.
    named = tuple((name, _identity(attrs[name])) for name in sorted(attrs))
    key = (op, tuple(map(id, inputs)), named)
    existing = _interned.get(key)
    if existing is not None:
        return existing
    fresh = Node(op, tuple(inputs), MappingProxyType(attrs), result, current_origin())
    with _lock:
        return _interned.setdefault(key, fresh)


def with_inputs(node: Node, inputs: Sequence[Node]) -> Node:
    """The same op on other inputs, made for the same part of a network."""
    if all(new is old for new, old in zip(inputs, node.inputs, strict=True)):
        return node
    with origin(node.origin):
        return apply(node.op, inputs, **node.attrs)


def substituted(root: Node, replacements: Mapping[Node, Node]) -> Node:
    """The same computation with other nodes instead of some."""
    new = dict(replacements)
    for node in ordered([root]):
        if node not in new:
            new[node] = with_inputs(node, [new[source] for source in node.inputs])
    return new[root]


def _terms(op: str, inputs: Sequence[Node]) -> int:
    """How many products each element sums, at most."""
    if op == "matmul":
        return inputs[0].shape[-1]
    return prod(inputs[1].shape[:-1]) if op == "convolve" else 1


def ordered(roots: Iterable[Node], descends: Callable[[Node], bool] | None = None) -> list[Node]:
    """Every node that `roots` depend on, each after its inputs: v_0 … v_N.

    descends: whether the inputs of a node are visited; by default all are.
    """
    starts = list(roots)
    for root in starts:
        if not isinstance(root, Node):
            raise TypeError(f"a graph is made of nodes, got a {type(root).__name__}; see x.node")
    order: list[Node] = []
    done: set[Node] = set()
    stack = [(root, False) for root in reversed(starts)]
    while stack:
        node, inputs_done = stack.pop()
        if node in done:
            continue
        if inputs_done:
            done.add(node)
            order.append(node)
            continue
        stack.append((node, True))
        if descends is None or descends(node):
            stack.extend((source, False) for source in reversed(node.inputs) if source not in done)
    return order


def _copied(root: Node, memo: dict[int, Any]) -> Node:
    """The node, reading copies of the states that it reads; `memo` is that of `copy.deepcopy`.

    A node that reads no state is its own copy.
    """
    for node in ordered([root]):
        if id(node) in memo:
            continue
        if node.op == "state":
            with origin(node.origin):
                memo[id(node)] = apply("state", state=copy.deepcopy(node.attrs["state"], memo))
        else:
            memo[id(node)] = with_inputs(node, [memo[id(source)] for source in node.inputs])
    copied: Node = memo[id(root)]
    return copied
