"""The claims of papers run, and what they are judged by is right."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks.claims import activation, approximation, dropout, momentum, normalisation, residual
from benchmarks.claims.common import best_rate, deviation, made_up, spread, trained
from benchmarks.claims.picture import HEIGHT, WIDTH, Plot, Series, svg, ticks
from pellucid import nn, optim
from pellucid.errors import PellucidWarning
from pellucid.graph import Reference, using

Main = Callable[[Sequence[str]], int]
MAINS: dict[str, Main] = {
    "activation": activation.main,
    "approximation": approximation.main,
    "dropout": dropout.main,
    "momentum": momentum.main,
    "normalisation": normalisation.main,
    "residual": residual.main,
}


@pytest.mark.parametrize("name", list(MAINS))
def test_a_claim_prints_a_table_draws_its_plot_and_judges(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with using(Reference()):
        code = MAINS[name](["--quick", "--seeds", "1", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "±" in printed and "found: " in printed.lower()
    assert code == int("NOT FOUND" in printed)
    assert "plotly" in (tmp_path / f"{name}.html").read_text(encoding="utf-8")
    lines = ElementTree.parse(tmp_path / f"{name}.svg").getroot().findall("{*}polyline")
    assert len(lines) >= 2


@pytest.mark.parametrize("kappa", [4.0, 64.0])
@pytest.mark.parametrize("with_momentum", [False, True])
def test_momentum_shrinks_the_error_as_its_iteration_matrix_does(
    kappa: float, with_momentum: bool
) -> None:
    root = math.sqrt(kappa)
    beta = ((root - 1) / (root + 1)) ** 2 if with_momentum else 0.0
    rate = (2 / (1 + root)) ** 2 if with_momentum else 2 / (1 + kappa)
    radius = 0.0
    for curvature in np.linspace(1, kappa, 5):
        # One step takes (w, m) to (w − η(βm + λw), βm + λw).
        matrix = [[1 - rate * curvature, -rate * beta], [curvature, beta]]
        radius = max(radius, float(np.abs(np.linalg.eigvals(matrix)).max()))
    assert momentum.formula(kappa, with_momentum) == pytest.approx(radius, rel=1e-6)
    assert momentum.rate_of(kappa, with_momentum, seed=0) == pytest.approx(radius, rel=0.01)


def test_the_least_error_of_a_polynomial_is_reached_where_the_error_alternates() -> None:
    # Chebyshev: among polynomials of degree 2 none has a smaller largest error than one whose error
    # takes its largest size with alternating signs at 4 points, so any such error is a lower bound.
    x = np.linspace(-2, 2, 401)
    fitted = np.polynomial.Polynomial.fit(x, approximation.target(x), 2)
    signed = approximation.target(x) - fitted(x)
    runs = np.split(signed, np.nonzero(np.diff(np.sign(signed)))[0] + 1)
    heights = sorted((float(np.abs(run).max()) for run in runs), reverse=True)
    assert len(heights) >= 4
    assert heights[3] <= approximation.least_error(2) <= heights[0]


def test_a_polynomial_unit_makes_the_same_function_at_any_width() -> None:
    narrow, wide = (approximation.sup_error("x²", width, seed=0) for width in (8, 64))
    assert narrow == pytest.approx(wide, rel=1e-6) and narrow > approximation.least_error(2)


def test_a_goal_is_reached_between_two_epochs() -> None:
    assert activation.reached([90.0, 30.0, 10.0], 20.0) == pytest.approx(1.5)
    assert activation.reached([90.0, 30.0, 10.0], 30.0) == pytest.approx(1.0)
    assert activation.reached([90.0, 30.0], 20.0) == math.inf
    assert activation.reached([5.0, 4.0], 20.0) == 0.0


def test_the_rate_with_the_lowest_score_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    scores = {0.01: 3.0, 0.1: 1.0, 1.0: math.inf}
    assert best_rate("net", list(scores), scores.__getitem__) == 0.1
    assert "edge" not in capsys.readouterr().out
    assert best_rate("net", [0.01, 0.1], scores.__getitem__) == 0.1
    assert "at the edge" in capsys.readouterr().out


def test_a_deviation_is_that_of_a_sample() -> None:
    assert deviation([1.0, 3.0]) == pytest.approx(math.sqrt(2))
    assert spread([1.0, 3.0]) == "2.00 ± 1.41"
    assert spread([1.0, math.inf]) == "not reached" and spread([2.0]) == "2.00 ± 0.00"


def test_networks_are_trained_to_the_last_epoch_and_learn_what_is_made_up() -> None:
    data = made_up(200, 8)
    net = nn.Sequential(nn.Flatten(), nn.Linear(10))
    with using(Reference()):
        run = trained(net, data.train, data.test, 0, 3, optim.SGD(0.1), 20)
    assert len(run.train) == len(run.measured) == 4 and not run.diverged
    assert run.measured[-1] < 10 < run.measured[0]


def test_a_run_that_diverges_says_so() -> None:
    data = made_up(40, 8)
    net = nn.Sequential(nn.Flatten(), nn.Linear(10), nn.ReLU(), nn.Linear(10))
    warned = pytest.warns(PellucidWarning, match="diverged")
    with using(Reference()), np.errstate(all="ignore"), warned:
        run = trained(net, data.train, data.test, 0, 3, optim.SGD(1e30), 20)
    assert run.diverged and len(run.train) < 4


def test_a_line_is_the_mean_over_seeds_where_all_have_values() -> None:
    line = Series.of("a", [0, 1, 2], [[1.0, 2.0, 9.0], [3.0, 4.0]])
    assert (line.x, line.y) == ((0.0, 1.0), (2.0, 3.0))
    assert line.deviations == pytest.approx((math.sqrt(2), math.sqrt(2)))


@pytest.mark.parametrize("logarithmic", [False, True])
def test_points_of_a_plot_lie_inside_and_in_order(logarithmic: bool) -> None:
    line = Series("<a>", (1.0, 10.0, 100.0), (100.0, 10.0, 1.0), (1.0, 0.0, 2.0))
    root = ElementTree.fromstring(svg(Plot("t", "x", "y", logarithmic, logarithmic), [line]))
    drawn = root.find("{*}polyline")
    assert drawn is not None and "<a>" in [text.text for text in root.findall("{*}text")]
    points = [tuple(map(float, p.split(","))) for p in drawn.attrib["points"].split()]
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in points)
    assert points == sorted(points) and [y for _, y in points] == sorted(y for _, y in points)
    if logarithmic:
        (a, _), (b, _), (c, _) = points
        assert b - a == pytest.approx(c - b, abs=0.2)


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0, 30, False) == [0, 5, 10, 15, 20, 25, 30]
    assert ticks(0.9, 30, True) == [1, 2, 5, 10, 20]
    assert ticks(1e-4, 1e2, True) == pytest.approx([1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100])
