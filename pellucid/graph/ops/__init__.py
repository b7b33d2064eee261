"""The ops, family by family; importing this package fills the op table."""

from pellucid.graph.ops import (
    contract,
    convolution,
    elementwise,
    index,
    leaf,
    movement,
    random,
    reduce,
)

__all__ = [
    "contract",
    "convolution",
    "elementwise",
    "index",
    "leaf",
    "movement",
    "random",
    "reduce",
]
