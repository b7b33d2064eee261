"""`trace`: the worked example, and tables that read well."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import graph as g

NODES = ("y", "w", "x", "w·x", "b", "z", "σ(z)", "y − σ", "(y − σ)²", "L")


def example(w: object, x: object, b: object, y: object) -> dict[str, g.Tensor]:
    """L = ½(y − σ(wx + b))²."""
    at = {name: g.variable(value, name) for name, value in (("w", w), ("x", x), ("b", b), ("y", y))}
    loss = 0.5 * (at["y"] - (at["w"] * at["x"] + at["b"]).sigmoid()) ** 2
    return at | {"L": loss}


def test_the_worked_example() -> None:
    w, x, b, y = 0.5, 2.0, -0.25, 1.0
    table = g.trace(example(np.array(w), np.array(x), np.array(b), np.array(y))["L"])
    assert len(table) == len(NODES)
    v = {name: table[i] for i, name in enumerate(NODES)}
    z = w * x + b
    s = 1 / (1 + np.exp(-z))
    values = [y, w, x, w * x, b, z, s, y - s, (y - s) ** 2, 0.5 * (y - s) ** 2]
    assert [row.value.item() for row in table] == pytest.approx(values, rel=1e-14)
    # ① ∂L/∂σ = −(y − σ)   ② ∂L/∂z = ①·σ(1 − σ)   ③ ∂L/∂w = ②·x   ④ ∂L/∂b = ②
    one = -(y - s)
    two = one * s * (1 - s)
    three, four = two * x, two
    slopes = [-one, three, two * w, two, four, two, one, y - s, 0.5, 1]
    found = [row.gradient.item() for row in table if row.gradient is not None]
    assert found == pytest.approx(slopes, rel=1e-14)
    local = {
        "w·x": {1: x, 2: w},
        "z": {3: 1, 4: 1},
        "σ(z)": {5: s * (1 - s)},
        "y − σ": {0: 1, 6: -1},
        "(y − σ)²": {7: 2 * (y - s)},
        "L": {8: 0.5},
    }
    for name, row in v.items():
        partials = {j: d.item() for j, d in row.partials.items()}
        assert partials == pytest.approx(local.get(name, {}), rel=1e-14)


def test_the_chain_rule_joins_the_rows() -> None:
    table = g.trace(example([0.5, -1.0], [2.0, 3.0], [0.25, 0.0], [1.0, 0.0])["L"].sum())
    sums = {row.index: np.zeros(row.value.shape) for row in table}
    for row in table:
        for j, partial in row.partials.items():
            assert row.gradient is not None
            sums[j] += row.gradient * partial
    for row in table:
        if row.index in {j for other in table for j in other.partials}:
            assert row.gradient is not None
            np.testing.assert_allclose(row.gradient, sums[row.index], rtol=1e-6)


def test_the_worked_example_prints() -> None:
    table = g.trace(example(0.5, 2.0, -0.25, 1.0)["L"])
    assert str(table) == repr(table)
    assert str(table).splitlines() == [
        "node    computed as  value      ∂L/∂v       local derivatives",
        "─" * 70,
        "v₀      y            1          0.320821",
        "v₁      w            0.5        -0.139811",
        "v₂      x            2          -0.0349527",
        "v₃      v₁ · v₂      1          -0.0699053  ∂v₃/∂v₁ = 2, ∂v₃/∂v₂ = 0.5",
        "v₄      b            -0.25      -0.0699053",
        "v₅      v₃ + v₄      0.75       -0.0699053  ∂v₅/∂v₃ = 1, ∂v₅/∂v₄ = 1",
        "v₆      σ(v₅)        0.679179   -0.320821   ∂v₆/∂v₅ = 0.217895",
        "v₇      v₀ − v₆      0.320821   0.320821    ∂v₇/∂v₀ = 1, ∂v₇/∂v₆ = -1",
        "v₈      v₇²          0.102926   0.5         ∂v₈/∂v₇ = 0.641643",
        "v₉ = L  0.5 · v₈     0.0514631  1           ∂v₉/∂v₈ = 0.5",
    ]


def lines(loss: g.Tensor) -> list[list[str]]:
    """The cells of each row."""
    return [line.split("  ") for line in str(g.trace(loss)).splitlines()[2:]]


def computed(loss: g.Tensor) -> list[str]:
    return [row.expression for row in g.trace(loss)]


def test_networks_print() -> None:
    x, w = g.variable(np.arange(6.0).reshape(2, 3), "X"), g.variable(np.ones((3, 2)), "W")
    b = g.variable(np.array([0.5, -1]), "b")
    text = str(g.trace(g.softmax(x @ w + b).log().mean()))
    for part in ("v₀ @ v₁", "v₃ repeated to (2, 2)", "max(v₅, axis=1)", "constant(v₆)", "exp(v₉)"):
        assert part in text
    assert "∂v₅/∂v₂ = 1" in text and "[[0, 1, 2], [3, 4, 5]]" in text


def test_expressions() -> None:
    x = g.variable(np.arange(6.0).reshape(2, 3), "X")
    assert computed(x[:, ::2].sum())[1] == "v₀[0:2, 0:3:2]"
    assert computed(g.concatenate([x, x * 2.0], 1).sum())[2] == "concatenate(v₀, v₁, axis=1)"
    assert computed(x.sum())[1] == "sum(v₀, axis=(0, 1))"
    assert computed(x.flip(1).max())[1] == "flip(v₀, axis=1)"
    assert computed(g.where(x > 1, x, 0.0).sum())[1:3] == ["1 < v₀", "v₀ if v₁ else 0"]
    assert computed((x / 3).sum())[1] == "v₀ / 3"
    assert computed(g.variable(1.0) * 2)[0] == "(unnamed state)"
    assert computed(g.tensor(2.0)) == ["2"]
    assert computed((x * np.arange(3.0)).sum())[1] == "[0, 1, 2]"
    assert computed((x * g.variable(1.0, "{0} {state}")).sum())[1] == "{0} {state}"


def test_an_input_used_twice_has_one_local_derivative() -> None:
    x = g.variable(3.0, "x")
    row = g.trace(x * x)[1]
    assert row.partials[0].item() == 6 and row.gradient is not None and row.gradient.item() == 1


def test_values_stay_short() -> None:
    x = g.variable(np.linspace(-1, 1, 600).reshape(20, 30), "X")
    table = g.trace((x.exp() / g.variable(np.zeros((20, 30)))).sum() + x[0, 0])
    text = str(table)
    assert "20×30, from -1 to 1" in text and "20×30, 600 not finite" in text
    assert max(map(len, text.splitlines())) < 200
    big = g.variable(np.array(1e-12)) * g.variable(np.arange(1_000_000, 1_000_003)).cast("float64")
    assert "1000000" in str(g.trace(big.sum()))
    assert "0×3, empty" in str(g.trace(g.variable(np.zeros((0, 3))).sum()))
    assert "-0" not in str(g.trace((g.variable(np.array([-0.0, 0.0])) * -1.0).sum())).replace(
        "-0.", ""
    )


def test_a_deep_graph_is_traced() -> None:
    x = g.variable(1.0)
    y = x
    for _ in range(300):
        y = (y * 0.99).sin()
    table = g.trace(y)
    assert len(table) == 601 and str(table).count("\n") == 602
    assert "v₆₀₀ = L" in str(table)


def test_what_cannot_be_traced() -> None:
    with pytest.raises(ValueError, match=r"float scalar, got float32\[2\]"):
        g.trace(g.ones((2,)))
    with pytest.raises(ValueError, match=r"float scalar, got int64\[\]"):
        g.trace(g.tensor(1))
    with pytest.raises(ValueError, match="depends on input 'x'"):
        g.trace(g.placeholder("x", ()) * 2)


def test_tracing_changes_no_state() -> None:
    at = example(0.5, 2.0, -0.25, 1.0)
    before = at["w"].item()
    assert str(g.trace(at["L"])) == str(g.trace(at["L"]))
    assert at["w"].item() == before
