"""Memory that is aligned to 64 bytes."""

from __future__ import annotations

import numpy as np

from pellucid.graph.op import Array

ALIGN = 64


class ArenaError(MemoryError):
    """There is not enough memory for a program."""


def aligned_zeros(size: int, purpose: str) -> Array:
    """Zeroed bytes, at least one, aligned to 64; raises ArenaError if there are not enough.

    The system zeroes large blocks when they are first touched.
    """
    try:
        raw = np.zeros(max(size, 1) + ALIGN, np.uint8)
    except (MemoryError, ValueError):
        raise ArenaError(
            f"{size:,} bytes for {purpose} are more than there is; smaller batches take less"
        ) from None
    start = -raw.ctypes.data % ALIGN
    return raw[start : start + max(size, 1)]
