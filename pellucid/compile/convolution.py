"""Which convolutions Winograd's algorithm applies to."""

from __future__ import annotations

from pellucid.graph.node import Node

WINDOWS = (2, 3)
"""Rows and columns of the windows."""


def winograd_window(node: Node) -> int | None:
    """The size of the window of a convolution, or of its gradient by the window; None for others.

    The window is square and one of `WINDOWS`; the convolution is dense.
    """
    if not is_dense(node):
        return None
    rows, columns = node.inputs[1].shape[:2]
    if rows == columns and rows in WINDOWS:
        return rows
    return node.shape[1] if is_window_gradient(node) else None


def is_window_gradient(node: Node) -> bool:
    """Whether a dense convolution is the gradient by a window: its own window is the image ∂y."""
    if not is_dense(node):
        return False
    rows, columns = node.shape[1:3]
    return rows == columns and rows in WINDOWS and min(node.inputs[1].shape[:2]) > max(WINDOWS)


def is_dense(node: Node) -> bool:
    """Whether a node is a convolution of images of stride 1, without dilation."""
    if node.op != "convolve" or len(node.shape) != 5:
        return False
    return bool(node.attrs["stride"] == node.attrs["dilation"] == (1, 1))
