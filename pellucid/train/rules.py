"""The rules by which a network and its training are chosen for a table."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import nn, optim
from pellucid.train.choices import Choice


@dataclass(frozen=True)
class TablePlan:
    """What a table is trained with, and why."""

    networks: int
    width: int
    layers: int
    dropout: float
    optimizer: optim.Optimizer
    batch_size: int
    epochs: int
    patience: int
    reasons: tuple[Choice, ...]

    def network(self, outputs: int) -> nn.Sequential:
        """Linear and GELU layers of the chosen width, then one output for each class or value."""
        parts: list[nn.Module] = []
        for _ in range(self.layers):
            parts += [nn.Linear(self.width), nn.GELU("tanh")]
            if self.dropout:
                parts.append(nn.Dropout(self.dropout))
        return nn.Sequential(*parts, nn.Linear(outputs))


def plan_for(rows: int) -> TablePlan:
    """The plan for a table of so many rows with a target."""
    networks = 5 if rows < 20_000 else 1
    width = 64 if rows < 1_250 else 128 if rows < 25_000 else 256
    dropout = 0.1
    batch_size = 32 if rows < 10_000 else 128 if rows < 100_000 else 512
    patience = 20 if rows < 10_000 else 10
    epochs = 500 if rows < 2_500 else 200
    optimizer = optim.AdamW(learning_rate=0.0003, weight_decay=0.05)
    size = f"{rows:,} rows"
    averaged = f"{networks}, predictions averaged" if networks > 1 else "1"
    reasons = (
        Choice(
            "networks",
            averaged,
            "below 20,000 rows five, each stopped by and measured on another fifth of the rows, so "
            "that every row is learned from and none is measured by a network that saw it; else one",
            "cross-validation: Stone 1974; averaging: Breiman 1996",
            size,
            "train your own network with pellucid.fit",
        ),
        Choice(
            "network",
            f"2 hidden layers of {width} GELU units",
            "64 units below 1,250 rows, 128 below 25,000, else 256; two layers",
            "more rows carry more detail; Gorishniy et al. 2021 for the shape",
            size,
            "train your own network with pellucid.fit",
        ),
        Choice(
            "dropout",
            dropout,
            "a tenth of the hidden units is left out in training",
            "Srivastava et al. 2014, mild because early stopping also limits overfitting",
            size,
            "train your own network with pellucid.fit",
        ),
        Choice(
            "optimizer",
            "AdamW, learning rate 0.0003, weight decay 0.05",
            "Adam with decoupled weight decay on the weights, at a rate low enough for small tables",
            "Kingma & Ba 2014; Loshchilov & Hutter 2019",
            "inputs are standardised",
            "train your own network with pellucid.fit",
        ),
        Choice(
            "batch size",
            batch_size,
            "32 below 10,000 rows, 128 below 100,000, else 512",
            "Bengio 2012: 32 is a good default; larger ones use the machine better",
            size,
            "train your own network with pellucid.fit",
        ),
        Choice(
            "how long",
            f"at most {epochs} epochs, patience {patience}",
            "when the validation loss has not improved for that many epochs the learning rate is "
            "divided by 10, once; when it happens again, training stops at the best weights",
            "early stopping: Prechelt 1998; division by 10: He et al. 2015",
            size,
            "--epochs",
        ),
    )
    return TablePlan(networks, width, 2, dropout, optimizer, batch_size, epochs, patience, reasons)
