"""Philox 4×32-10, the counter-based random generator of Salmon et al. 2011 (Random123).

A bijection of a 128-bit counter under a 64-bit key; each counter gives four independent uniform
32-bit words. A draw is a function of its counter alone, so it does not depend on what was drawn
before, on which thread draws it, or on how often it is evaluated.
"""

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
_MASK = 0xFFFFFFFF


def philox(
    counter: tuple[Words, Words, Words, Words], key: tuple[int, int]
) -> tuple[Words, Words, Words, Words]:
    """Four words for each counter (four arrays of one shape, or scalars that broadcast)."""
    c0, c1, c2, c3 = (np.asarray(word, np.uint64) for word in counter)
    k0, k1 = key
    for _ in range(ROUNDS):
        p0 = c0 * np.uint64(MULTIPLIERS[0])
        p1 = c2 * np.uint64(MULTIPLIERS[1])
        c0, c1, c2, c3 = (
            (p1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0),
            p1 & np.uint64(_MASK),
            (p0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1),
            p0 & np.uint64(_MASK),
        )
        k0, k1 = (k0 + WEYL[0]) & _MASK, (k1 + WEYL[1]) & _MASK
    return (
        c0.astype(np.uint32),
        c1.astype(np.uint32),
        c2.astype(np.uint32),
        c3.astype(np.uint32),
    )


def random_words(count: int, seed: int, step: int, draw: int) -> Words:
    """`count` words: element i is word i mod 4 of counter (i div 4, draw, step) under key seed.

    seed and step are 64-bit, draw (which random node of the graph) is 32-bit.
    """
    block = np.arange((count + 3) // 4, dtype=np.uint32)

    def word(value: int) -> Words:
        return np.full_like(block, value & _MASK)

    counter = (block, word(draw), word(step), word(step >> 32))
    words = philox(counter, (seed & _MASK, (seed >> 32) & _MASK))
    return np.stack(words, axis=1).reshape(-1)[:count]
