"""The rules by which a network and its training are chosen for a table."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from pellucid import check, nn, optim
from pellucid.train.choices import Choice

MOST_NETWORKS = 100
SET = "set by you"
"""The rule of what the user set."""


@dataclass(frozen=True)
class PlanSettings:
    """What the user set of a plan; None leaves it to its rule.

    networks: how many are trained, each with another part of the rows held out. layers, width: hidden
    layers and their units. dropout: the share of units left out. learning_rate, weight_decay: of AdamW.
    batch_size: rows a step. epochs: the most passes. patience: epochs without a better validation loss,
    0 never stops early.
    """

    networks: int | None = None
    layers: int | None = None
    width: int | None = None
    dropout: float | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        least = {
            "networks": 1,
            "layers": 0,
            "width": 1,
            "batch_size": 1,
            "epochs": 0,
            "patience": 0,
        }
        for name, lowest in least.items():
            value = getattr(self, name)
            if value is not None:
                most = MOST_NETWORKS if name == "networks" else 2**31
                object.__setattr__(self, name, check.integer(name, value, lowest, most))
        bounds: dict[str, dict[str, float]] = {
            "dropout": {"at_least": 0, "less_than": 1},
            "learning_rate": {"more_than": 0, "at_most": 1e6},
            "weight_decay": {"at_least": 0, "at_most": 1e6},
        }
        for name, limits in bounds.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, check.real(name, value, **limits))

    def is_set(self, *names: str) -> bool:
        """Whether the user set one of these."""
        return any(getattr(self, name) is not None for name in names)


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

    def in_time(self, networks: int, rule: str) -> tuple[Choice, ...]:
        """The choices, where a time limit allowed fewer networks by this rule."""
        value = f"{_averaged(networks)}, of {self.networks} planned"
        return tuple(
            replace(choice, value=value, rule=rule, source="", evidence="the time limit")
            if choice.name == "networks"
            else choice
            for choice in self.reasons
        )


def plan_for(rows: int, chosen: PlanSettings = PlanSettings()) -> TablePlan:
    """The plan for a table of so many rows with a target; what was chosen goes before the rules."""
    by_rule: dict[str, Any] = {
        "networks": 5 if rows < 20_000 else 1,
        "layers": 2,
        "width": 64 if rows < 1_250 else 128 if rows < 25_000 else 256,
        "dropout": 0.1,
        "learning_rate": 0.0003,
        "weight_decay": 0.05,
        "batch_size": 32 if rows < 10_000 else 128 if rows < 100_000 else 512,
        "epochs": 500 if rows < 2_500 else 200,
        "patience": 20 if rows < 10_000 else 10,
    }
    own = {f.name: getattr(chosen, f.name) for f in fields(chosen) if chosen.is_set(f.name)}
    values = by_rule | own
    rate, decay = values.pop("learning_rate"), values.pop("weight_decay")
    reasons = _reasons(rows, {**values, "learning_rate": rate, "weight_decay": decay}, chosen)
    optimizer = optim.AdamW(learning_rate=rate, weight_decay=decay)
    return TablePlan(**values, optimizer=optimizer, reasons=reasons)


def _reasons(rows: int, values: dict[str, Any], chosen: PlanSettings) -> tuple[Choice, ...]:
    """Each choice with its rule; what the user set is shown as set."""
    size = f"{rows:,} rows"
    choices = {
        ("networks",): Choice(
            "networks",
            _averaged(values["networks"]),
            "below 20,000 rows five, each stopped by and measured on another fifth of the rows, so "
            "that every row is learned from and none is measured by a network that saw it; else one",
            "cross-validation: Stone 1974; averaging: Breiman 1996",
            size,
            "--networks",
        ),
        ("layers", "width"): Choice(
            "network",
            _shape(values["layers"], values["width"]),
            "64 units below 1,250 rows, 128 below 25,000, else 256; two layers",
            "more rows carry more detail; Gorishniy et al. 2021 for the shape",
            size,
            "--layers, --width",
        ),
        ("dropout",): Choice(
            "dropout",
            values["dropout"],
            "a tenth of the hidden units is left out in training",
            "Srivastava et al. 2014, mild because early stopping also limits overfitting",
            size,
            "--dropout",
        ),
        ("learning_rate", "weight_decay"): Choice(
            "optimizer",
            f"AdamW, learning rate {values['learning_rate']:g}, weight decay {values['weight_decay']:g}",
            "Adam with decoupled weight decay on the weights, at a rate low enough for small tables",
            "Kingma & Ba 2014; Loshchilov & Hutter 2019",
            "inputs are standardised",
            "--learning-rate, --weight-decay",
        ),
        ("batch_size",): Choice(
            "batch size",
            values["batch_size"],
            "32 below 10,000 rows, 128 below 100,000, else 512",
            "Bengio 2012: 32 is a good default; larger ones use the machine better",
            size,
            "--batch-size",
        ),
        ("epochs", "patience"): Choice(
            "how long",
            f"at most {values['epochs']} epochs, patience {values['patience']}",
            "when the validation loss has not improved for as many epochs as the patience, the "
            "learning rate is divided by 10, once; when it happens again, training stops at the best "
            "weights",
            "early stopping: Prechelt 1998; division by 10: He et al. 2015",
            size,
            "--epochs, --patience",
        ),
    }
    return tuple(
        _marked(choice, [n for n in names if chosen.is_set(n)], names)
        for names, choice in choices.items()
    )


def _marked(choice: Choice, own: list[str], names: tuple[str, ...]) -> Choice:
    """The choice, where some of its settings are the user's."""
    if not own:
        return choice
    if len(own) == len(names):
        return replace(choice, rule=SET, source="", evidence="")
    words = " and ".join(name.replace("_", " ") for name in own)
    return replace(choice, rule=f"{words} {SET}; else {choice.rule}")


def _averaged(networks: int) -> str:
    return f"{networks}, predictions averaged" if networks > 1 else "1"


def _shape(layers: int, width: int) -> str:
    if not layers:
        return "no hidden layer"
    return f"{layers} hidden {'layer' if layers == 1 else 'layers'} of {width} GELU units"
