"""Which convolutions Winograd's algorithm applies to."""

from __future__ import annotations

from pellucid.graph.node import Node

WINDOW = 3
"""Rows and columns of the windows."""


def is_window_gradient(node: Node) -> bool:
    """Whether a convolution is the gradient by a 3 × 3 window: its own window is the image ∂y."""
    if not is_dense(node):
        return False
    return node.shape[1:3] == (WINDOW, WINDOW) and min(node.inputs[1].shape[:2]) > WINDOW


def is_dense(node: Node) -> bool:
    """Whether a node is a convolution of images of stride 1, without dilation."""
    if node.op != "convolve" or len(node.shape) != 5:
        return False
    return bool(node.attrs["stride"] == node.attrs["dilation"] == (1, 1))
