"""The matrix product with NumPy's rules for vectors and batches."""

from __future__ import annotations

import math

from pellucid.graph.algebra import T
from pellucid.graph.dtype import float_of, promote
from pellucid.graph.indexing import broadcast_shapes


def product(a: T, b: T) -> T:
    """a @ b; see `pellucid.matmul`."""
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"matmul takes at least vectors, got {a.node.type} and {b.node.type}")
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise ValueError(
            f"matmul of shapes {a.shape} and {b.shape}: the last axis of the first has length "
            f"{a.shape[-1]}, the {'one before last' if b.ndim > 1 else 'axis'} of the second {inner}"
        )
    dtype = float_of(promote(a.dtype, b.dtype))
    a, b = a.cast(dtype), b.cast(dtype)
    if a.ndim == 1:
        row = product(a.expand_dims(0), b)
        return row.squeeze(0 if b.ndim == 1 else -2)
    if b.ndim == 1:
        return product(a, b.expand_dims(-1)).squeeze(-1)
    if b.ndim == 2 and a.ndim > 2:
        # One tall product instead of a batch of small ones with a shared right-hand side.
        rows = a.reshape(math.prod(a.shape[:-1]), a.shape[-1])
        return rows.apply("matmul", b).reshape((*a.shape[:-1], b.shape[-1]))
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = a.broadcast_to((*batch, *a.shape[-2:]))
    b = b.broadcast_to((*batch, *b.shape[-2:]))
    return a.apply("matmul", b)
