"""The example of two inputs learns what was made up, to near its noise."""

from __future__ import annotations

import pytest

from examples import two_towers


def test_the_example_learns_the_tastes(capsys: pytest.CaptureFixture[str]) -> None:
    data = two_towers.ratings()
    assert len(data.given) == len(set(zip(*map(tuple, data.pairs.values()), strict=True))) == 1200
    run = two_towers.trained(data)
    held = run.best.validation_metric
    assert held is not None and held < data.given.std() / 4
    two_towers.main()
    assert "rmse" in capsys.readouterr().out
