"""Reverse-mode differentiation: the backward pass as graph.

From ∂L/∂v_N = 1 back over the ordered nodes, each op's rule turns ∂L/∂v_i into its share of the
gradient of each of its inputs. The result is graph like any other and can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar, overload

from pellucid.check import brief
from pellucid.graph.dtype import is_float
from pellucid.graph.node import Node, apply, ordered
from pellucid.graph.op import TABLE
from pellucid.graph.origin import current_origin, origin
from pellucid.graph.tensor import Tensor, tensor

Key = TypeVar("Key")


@overload
def grad(loss: Tensor, wrt: Tensor) -> Tensor: ...
@overload
def grad(loss: Tensor, wrt: Mapping[Key, Tensor]) -> dict[Key, Tensor]: ...
@overload
def grad(loss: Tensor, wrt: Sequence[Tensor]) -> list[Tensor]: ...


def grad(
    loss: Tensor, wrt: Tensor | Mapping[Key, Tensor] | Sequence[Tensor]
) -> Tensor | dict[Key, Tensor] | list[Tensor]:
    """∂loss/∂w for each w of `wrt`, in the structure of `wrt` and with the shape of each w.

    loss: a float scalar. A tensor that the loss does not depend on has gradient zero.
    Raises ValueError if the loss is not a scalar, TypeError if a tensor is not float.
    """
    if isinstance(wrt, Tensor):
        return gradients(loss, [wrt])[0]
    if not isinstance(wrt, (Mapping, list, tuple)):
        raise TypeError(f"grad takes a tensor, a list or a mapping of them, got {brief(wrt)}")
    if isinstance(wrt, Mapping):
        return dict(zip(wrt, gradients(loss, list(wrt.values())), strict=True))
    return gradients(loss, wrt)


def gradients(loss: Tensor, wrt: Sequence[Tensor]) -> list[Tensor]:
    """∂loss/∂w for each w, as a list; see `grad`."""
    for argument in (loss, *wrt):
        if not isinstance(argument, Tensor):
            raise TypeError(f"grad takes tensors, got {type(argument).__name__}")
    if not is_float(loss.dtype):
        raise ValueError(f"grad differentiates floats, got {loss.node.type}")
    if loss.shape != ():
        raise ValueError(
            f"grad differentiates a scalar, got {loss.node.type}; "
            "reduce it first, for example with .mean()"
        )
    for w in wrt:
        if not is_float(w.dtype):
            raise TypeError(f"no gradient with respect to {w.node.type}; cast it to a float type")
    nodes = backward(loss.node, [w.node for w in wrt])
    return [Tensor(nodes[w.node]) if w.node in nodes else zeros_like(w) for w in wrt]


def zeros_like(x: Tensor) -> Tensor:
    """Zeros of x's shape and type."""
    x = tensor(x)
    return tensor(0, x.dtype).broadcast_to(x.shape)


def backward(loss: Node, wrt: Iterable[Node]) -> dict[Node, Node]:
    """∂loss/∂v for each node v on a path from `wrt` to the loss."""
    targets = set(wrt)
    order = ordered([loss])
    needed: set[Node] = set()
    for node in order:
        if node in targets or any(source in needed for source in node.inputs):
            needed.add(node)
    gradient: dict[Node, Tensor] = {loss: tensor(1.0, loss.dtype)}
    for node in reversed(order):
        if node not in needed or node not in gradient:
            continue
        with origin(f"∂ {node.origin}" if node.origin else current_origin()):
            for source, share in zip(node.inputs, _shares(node, gradient[node]), strict=True):
                if share is not None and source in needed:
                    before = gradient.get(source)
                    gradient[source] = share if before is None else before + share
    return {node: g.node for node, g in gradient.items() if node in needed}


def _shares(node: Node, g: Tensor) -> Sequence[Tensor | None]:
    rule = TABLE[node.op].gradient
    if rule is None or not is_float(node.dtype):
        return [None] * len(node.inputs)
    return rule(g, Tensor(node), *map(Tensor, node.inputs), **node.attrs)


def partials(node: Node) -> list[Node | None]:
    """∂node/∂input for each input of an elementwise node, element by element."""
    one = apply("broadcast", [tensor(1.0, node.dtype).node], shape=node.shape)
    return [None if s is None else s.node for s in _shares(node, Tensor(one))]
