"""Runs with every kind of slot, schedule and weight go on to the same bytes after they were killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.train import events
from pellucid.train.storage.folder import MODEL
from tests.train.checkpoints import save_always

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 6)).astype(np.float32)
DATA = (X, (X[:, 0] > 0).astype(int), RNG.random(96))

GROUPS = optim.Groups(
    optim.Lookahead(optim.Prodigy(), 3),
    (
        optim.Group("*.b", optim.MovingAverage(optim.Accumulate(optim.NAdam(), 3), 0.9)),
        optim.Group("output.*", None),
    ),
)
CASES: dict[str, dict[str, Any]] = {
    "average, plateau": {
        "optimizer": optim.StochasticAverage(optim.SharpnessAware(optim.SGD(0.1, momentum=0.9)), 7),
        "schedule": optim.PlateauRate(2),
    },
    "groups, warm-up": {
        "optimizer": GROUPS,
        "schedule": optim.WarmUp(1, optim.CosineRate()),
    },
    "l-bfgs": {"optimizer": optim.LBFGS(0.3)},
    "schedule-free": {"optimizer": optim.ScheduleFreeAdamW(0.01)},
}


class Killed(BaseException):
    """As sudden as SIGKILL, for this process."""


@pytest.mark.parametrize("name", CASES)
def test_the_same_bytes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(event: events.Event) -> None:
        if isinstance(event, events.Progressed) and event.epoch >= 4:
            raise Killed

    def fit(folder: str, **more: Any) -> bytes:
        net = nn.MLP([8], 2, norm="batch", dropout=0.1)
        settings = {**CASES[name], "epochs": 8, "patience": 3, "out": tmp_path / folder, **more}
        pel.fit(net, DATA, progress=False, **settings)
        return (tmp_path / folder / MODEL).read_bytes()

    save_always(monkeypatch)
    whole = fit("whole")
    with pytest.raises(Killed):
        fit("killed", callbacks=[kill])
    assert fit("killed", resume=True) == whole
