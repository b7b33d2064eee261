"""Users who rate items, for tests of inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

import pellucid as pel
from pellucid import nn, optim

DICE = np.random.default_rng(4)
ROWS = 120
USERS = DICE.integers(0, 12, ROWS)
ITEMS = DICE.integers(0, 9, ROWS)
NUMBERS = DICE.normal(size=(ROWS, 3)).astype(np.float32)
RATING = ((USERS % 3) * (ITEMS % 2) + 0.1 * NUMBERS[:, 0]).astype(np.float32)
CLASSES = (RATING > 0.5).astype(int)
SETTINGS: dict[str, Any] = {
    "epochs": 5,
    "patience": 0,
    "progress": False,
    "optimizer": optim.Adam(0.05),
}


def fitted(net: nn.Module, x: Any, y: Any = RATING, **settings: Any) -> pel.Run:
    return pel.fit(net, (x, y), **{**SETTINGS, **settings})
