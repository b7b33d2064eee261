"""A network of two inputs: what a user likes, from who it is and what the item is.

`python -m examples.two_towers` makes up ratings of 60 users for 40 items, which follow from three
hidden tastes of each, holds a fifth of the pairs out, and learns a vector for every user and every
item whose product is the rating. It prints the typical error beside that of the mean rating.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import pellucid as pel
from pellucid import nn, optim
from pellucid.graph import Tensor

USERS, ITEMS, TASTES = 60, 40, 3
NOISE = 0.1


class TwoTowers(nn.Module):
    """u_user · v_item + b: a vector for each user and for each item (Koren, Bell & Volinsky 2009)."""

    def __init__(self, features: int = 8) -> None:
        start = nn.Normal(0.1)
        self.users = nn.Embedding(USERS, features, initializer=start)
        self.items = nn.Embedding(ITEMS, features, initializer=start)
        self.scale = nn.Linear(1)

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        """The rating, (batch, 1), from the numbers of users and items, (batch,) each."""
        return self.scale((self.users(user) * self.items(item)).sum(-1, keepdims=True))


@dataclass(frozen=True)
class Ratings:
    """Pairs of users and items, and what the one gave the other."""

    pairs: dict[str, NDArray[np.int64]]
    given: NDArray[np.float32]


def ratings(seed: int = 0) -> Ratings:
    """Half of all pairs, rated by the product of hidden tastes and some noise."""
    dice = np.random.default_rng(seed)
    likes, has = dice.normal(size=(USERS, TASTES)), dice.normal(size=(ITEMS, TASTES))
    seen = dice.permutation(USERS * ITEMS)[: USERS * ITEMS // 2]
    user, item = np.divmod(seen, ITEMS)
    given = (likes[user] * has[item]).sum(1) + NOISE * dice.normal(size=len(seen))
    return Ratings({"user": user, "item": item}, given.astype(np.float32))


def trained(data: Ratings, epochs: int = 60) -> pel.Run:
    """The run on these ratings."""
    optimizer = optim.AdamW(0.01, weight_decay=0.1)
    return pel.fit(
        TwoTowers(), (data.pairs, data.given), epochs=epochs, optimizer=optimizer, progress=False
    )


def main() -> None:
    """Train, and say how good it is."""
    data = ratings()
    run = trained(data)
    print(run)
    print(f"always saying the mean: rmse {data.given.std():.3g}; noise: {NOISE}")
    print("user 3 on items 0 to 4:", end=" ")
    print(run.model.predict({"user": np.full(5, 3), "item": np.arange(5)}).round(2).tolist())


if __name__ == "__main__":
    main()
