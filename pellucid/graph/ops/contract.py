"""Contractions: sums of products over a shared axis."""

from __future__ import annotations

import numpy as np

from pellucid.graph.dtype import is_float
from pellucid.graph.op import Array, Op, TensorType, declare
from pellucid.graph.tensor import Gradients, Tensor


def _matmul_type(a: TensorType, b: TensorType) -> TensorType:
    if len(a.shape) < 2 or len(a.shape) != len(b.shape) or a.shape[:-2] != b.shape[:-2]:
        raise ValueError(f"matmul takes matrices with the same batch axes, got {a} and {b}")
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(
            f"matmul of {a} and {b}: the last axis of the first ({a.shape[-1]}) and the one before "
            f"the last of the second ({b.shape[-2]}) must be equal"
        )
    if a.dtype != b.dtype or not is_float(a.dtype):
        raise TypeError(f"matmul takes float tensors of one type, got {a} and {b}")
    return TensorType((*a.shape[:-1], b.shape[-1]), a.dtype)


def product(a: Array, b: Array) -> Array:
    """a (…, n, m) times b (…, m, k), summed in float64 in an order that shapes alone decide.

    `np.matmul` goes through a BLAS library, which cuts sums by the processors that it finds.
    """
    wide = np.einsum("...ij,...jk->...ik", a.astype(np.float64), b.astype(np.float64))
    return np.asarray(wide.astype(a.dtype))


def _matmul_rule(g: Tensor, out: Tensor, a: Tensor, b: Tensor) -> Gradients:
    return g @ b.swap_axes(-1, -2), a.swap_axes(-1, -2) @ g


declare(Op("matmul", "contract", _matmul_type, product, _matmul_rule, "{0} @ {1}"))
