"""Embedding, attention, the transformer block, LSTM and GRU against PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import nn
from pellucid.graph import Array
from pellucid.graph.gradient import gradients
from tests.by_torch import ByTorch, F, torch
from tests.nn.peers import Peer, Weights, check_layer, check_native

RNG = np.random.default_rng(5)
SEQUENCE = RNG.normal(size=(3, 5, 8))
TOKENS = RNG.integers(0, 7, (3, 5))


def heads(x: torch.Tensor, w: Weights, causal: bool, prefix: str = "") -> torch.Tensor:
    module = torch.nn.MultiheadAttention(8, 2, batch_first=True, dtype=torch.float64)
    given = {
        "in_proj_weight": w[f"{prefix}W_in"].T,
        "in_proj_bias": w[f"{prefix}b_in"],
        "out_proj.weight": w[f"{prefix}W_out"].T,
        "out_proj.bias": w[f"{prefix}b_out"],
    }
    length = x.shape[1]
    mask = torch.triu(torch.ones(length, length, dtype=torch.bool), 1) if causal else None
    arguments = {"need_weights": False, "attn_mask": mask}
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        y: torch.Tensor = torch.func.functional_call(module, given, (x, x, x), arguments)[0]
    return y


def block(x: torch.Tensor, w: Weights, causal: bool = False) -> torch.Tensor:
    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, (8,), w[f"{name}.gamma"], w[f"{name}.beta"])

    a = x + heads(norm(x, "norm1"), w, causal, "attention.")
    inner = norm(a, "norm2") @ w["feed_forward.W_in"] + w["feed_forward.b_in"]
    return a + F.gelu(inner) @ w["feed_forward.W_out"] + w["feed_forward.b_out"]


def rms_block(x: torch.Tensor, w: Weights) -> torch.Tensor:
    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.rms_norm(x, (8,), w[f"{name}.gamma"], 1e-5)

    a = x + heads(norm(x, "norm1"), w, False, "attention.")
    inner = norm(a, "norm2") @ w["feed_forward.W_in"] + w["feed_forward.b_in"]
    return a + F.gelu(inner) @ w["feed_forward.W_out"] + w["feed_forward.b_out"]


def lstm(x: torch.Tensor, w: Weights) -> torch.Tensor:
    module = torch.nn.LSTM(8, 4, batch_first=True, dtype=torch.float64)
    given = {
        "weight_ih_l0": w["W_x"].T,
        "weight_hh_l0": w["W_h"].T,
        "bias_ih_l0": w["b"],
        "bias_hh_l0": torch.zeros(16, dtype=torch.float64),
    }
    y: torch.Tensor = torch.func.functional_call(module, given, (x,))[0]
    return y


def gru(x: torch.Tensor, w: Weights) -> torch.Tensor:
    module = torch.nn.GRU(8, 4, batch_first=True, dtype=torch.float64)
    given = {
        "weight_ih_l0": w["W_x"].T,
        "weight_hh_l0": w["W_h"].T,
        "bias_ih_l0": w["b"],
        "bias_hh_l0": torch.cat([torch.zeros(8, dtype=torch.float64), w["b_n"]]),
    }
    y: torch.Tensor = torch.func.functional_call(module, given, (x,))[0]
    return y


def sinusoidal(x: torch.Tensor, w: Weights) -> torch.Tensor:
    added = torch.zeros(5, 8)
    for t in range(5):
        for i in range(4):
            angle = torch.tensor(t / 10000 ** (2 * i / 8))
            added[t, 2 * i], added[t, 2 * i + 1] = angle.sin(), angle.cos()
    return x + added


CASES: dict[str, tuple[Callable[[], nn.Module], Peer, Array]] = {
    "embedding": (lambda: nn.Embedding(7, 3), lambda x, w: F.embedding(x, w["W"]), TOKENS),
    "embedding of floats": (
        lambda: nn.Embedding(7, 3),
        lambda x, w: F.embedding(x.long(), w["W"]) + 0 * x[..., None],
        TOKENS.astype(np.float64),
    ),
    "attention": (
        lambda: nn.MultiHeadAttention(2),
        lambda x, w: heads(x, w, False),
        SEQUENCE,
    ),
    "causal attention": (
        lambda: nn.MultiHeadAttention(2, causal=True),
        lambda x, w: heads(x, w, True),
        SEQUENCE,
    ),
    "feed forward": (
        lambda: nn.FeedForward(3, activation=nn.Tanh()),
        lambda x, w: torch.tanh(x @ w["W_in"] + w["b_in"]) @ w["W_out"] + w["b_out"],
        SEQUENCE,
    ),
    "block": (lambda: nn.TransformerBlock(2), block, SEQUENCE),
    "causal block": (
        lambda: nn.TransformerBlock(2, causal=True),
        lambda x, w: block(x, w, True),
        SEQUENCE,
    ),
    "block with rms norm": (lambda: nn.TransformerBlock(2, norm="rms"), rms_block, SEQUENCE),
    "lstm": (lambda: nn.LSTM(4), lstm, SEQUENCE),
    "lstm to the end": (lambda: nn.LSTM(4, "last"), lambda x, w: lstm(x, w)[:, -1], SEQUENCE),
    "lstm backwards": (
        lambda: nn.LSTM(4, reverse=True),
        lambda x, w: lstm(x.flip(1), w).flip(1),
        SEQUENCE,
    ),
    "lstm backwards to the end": (
        lambda: nn.LSTM(4, "last", reverse=True),
        lambda x, w: lstm(x.flip(1), w)[:, -1],
        SEQUENCE,
    ),
    "lstm of one place": (lambda: nn.LSTM(4), lstm, SEQUENCE[:, :1]),
    "gru": (lambda: nn.GRU(4), gru, SEQUENCE),
    "gru backwards": (
        lambda: nn.GRU(4, reverse=True),
        lambda x, w: gru(x.flip(1), w).flip(1),
        SEQUENCE,
    ),
    "gru to the end": (lambda: nn.GRU(4, "last"), lambda x, w: gru(x, w)[:, -1], SEQUENCE),
    "learned positions": (nn.LearnedPositions, lambda x, w: x + w["P"], SEQUENCE),
    "sinusoidal positions": (nn.SinusoidalPositions, sinusoidal, SEQUENCE),
}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name: str, by_torch: ByTorch) -> None:
    make, peer, x = CASES[name]
    check_layer(make(), peer, x, by_torch, 1e-6 if "sinusoidal" in name else 1e-9)


NATIVE: dict[str, tuple[Callable[[], nn.Module], Array]] = {
    **{name: (make, x) for name, (make, _, x) in CASES.items()},
    "language model": (lambda: language_model(), TOKENS),
    "with everything left out": (
        lambda: nn.TransformerBlock(2, dropout=0.2, drop_path=0.3, causal=True),
        SEQUENCE,
    ),
    "stacked": (
        lambda: nn.Sequential(nn.Embedding(7, 4), nn.LSTM(3), nn.GRU(5, "last")),
        TOKENS,
    ),
}


@pytest.mark.parametrize("name", NATIVE)
def test_runs_natively(name: str) -> None:
    make, x = NATIVE[name]
    check_native(make(), x, twice=True)


def language_model() -> nn.Sequential:
    embedding = nn.Embedding(7, 8, initializer=nn.Normal(0.02))
    return nn.Sequential(
        embedding,
        nn.LearnedPositions(),
        nn.TransformerBlock(2, causal=True),
        nn.LayerNorm(),
        nn.TiedLinear(embedding),
    )


# -- what they promise -------------------------------------------------------------------------


def test_a_causal_model_does_not_see_ahead() -> None:
    net = language_model().build(TOKENS)
    before = net(TOKENS).numpy()
    changed = TOKENS.copy()
    changed[:, 3:] = (changed[:, 3:] + 1) % 7
    after = net(changed).numpy()
    np.testing.assert_allclose(after[:, :3], before[:, :3], atol=1e-6)
    assert np.abs(after[:, 3:] - before[:, 3:]).max() > 1e-3


def test_tied_weights_are_one_parameter_with_both_gradients() -> None:
    net = language_model().build(TOKENS, dtype=np.float64)
    names = [name for name, _ in net.named_parameters()]
    assert names.count("0.W") == 1 and "4.layer.W" not in names and "4.b" in names
    assert net.state_dict().keys() == set(names)
    apart = nn.Sequential(nn.Embedding(7, 8), nn.Linear(7)).build(TOKENS, dtype=np.float64)
    w = apart.state_dict()["0.W"]
    apart.load_state_dict({"0.W": w, "1.W": w.T, "1.b": np.zeros(7)})
    embedding = nn.Embedding(7, 8)
    tied = nn.Sequential(embedding, nn.TiedLinear(embedding)).build(TOKENS, dtype=np.float64)
    tied.load_state_dict({"0.W": w, "1.b": np.zeros(7)})
    np.testing.assert_allclose(tied(TOKENS).numpy(), apart(TOKENS).numpy(), rtol=1e-12)
    both = g.grad(tied(TOKENS).tanh().square().sum(), dict(tied.named_parameters()))
    each = g.grad(apart(TOKENS).tanh().square().sum(), dict(apart.named_parameters()))
    expected = each["0.W"].numpy() + each["1.W"].numpy().T
    np.testing.assert_allclose(both["0.W"].numpy(), expected, rtol=1e-10)


def test_tied_layers_survive_a_file() -> None:
    net = language_model().build(TOKENS)
    again = nn.from_spec(net.to_spec())
    assert isinstance(again, nn.Sequential) and isinstance(again[4], nn.TiedLinear)
    assert again[4].layer is again[0]
    again.build(TOKENS, values=net.state_dict())
    np.testing.assert_array_equal(again(TOKENS).numpy(), net(TOKENS).numpy())


def test_an_autoencoder_with_tied_weights() -> None:
    encoder = nn.Linear(3)
    net = nn.Sequential(encoder, nn.Tanh(), nn.TiedLinear(encoder, bias=False))
    x = RNG.normal(size=(4, 6)).astype(np.float32)
    w = net.build(6).state_dict()
    assert set(w) == {"0.W", "0.b"}
    expected = np.tanh(x @ w["0.W"] + w["0.b"]) @ w["0.W"].T
    np.testing.assert_allclose(net(x).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_a_parameter_given_to_two_layers_is_saved_once() -> None:
    shared = nn.Parameter(RNG.normal(size=(4, 4)).astype(np.float32))
    first, second = nn.Linear(4, bias=False), nn.Linear(4, bias=False)
    first.W = second.W = shared
    net = nn.Sequential(first, nn.Tanh(), second).build(4)
    assert list(net.state_dict()) == ["0.W"]
    assert net.parameter_count() == 16
    gradient = g.grad(net(np.ones((2, 4), np.float32)).sum(), shared)
    assert gradient.shape == (4, 4)


def test_padding_is_zero_and_not_learned() -> None:
    net = nn.Embedding(5, 3, padding=2).build((4,))
    y = net(np.array([[0, 2], [2, 4]]))
    found = y.numpy()
    assert (found[0, 1] == 0).all() and (found[1, 0] == 0).all() and (found[0, 0] != 0).all()
    gradient = g.grad(y.square().sum(), net.W).numpy()
    assert (gradient[2] == 0).all() and (gradient[0] != 0).all()


@pytest.mark.parametrize("x", [[0.5], [7.0], [-1.0], [np.nan], [1e30]])
def test_an_index_in_the_data_that_is_no_row_gives_nan(x: list[float]) -> None:
    net = nn.Embedding(7, 3).build((1,))
    found = net(g.variable(np.array([x], np.float32))).numpy()
    assert np.isnan(found).all()
    assert np.isfinite(net(np.array([[6.0]], np.float32)).numpy()).all()


def test_forget_gates_start_open() -> None:
    net = nn.LSTM(3).build((5, 2))
    np.testing.assert_array_equal(net.b.value, [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(net.W_h.value @ net.W_h.value.T, np.eye(3), atol=1e-6)


def test_dropout_in_a_block_draws_in_training_only() -> None:
    net = nn.TransformerBlock(2, dropout=0.5, drop_path=0.5).build((5, 8))
    x = SEQUENCE.astype(np.float32)
    plain = net(x).numpy()
    with nn.training(seed=1, step=0):
        first, second = net(x).numpy(), net(x).numpy()
    assert np.abs(first - plain).max() > 1e-3 and np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(net(x).numpy(), plain)


MASKS = {
    "padding": np.array([[[1, 1, 1, 0, 0, 0]], [[1, 1, 1, 1, 1, 0]]], bool),
    "one for each place": np.random.default_rng(5).random((2, 4, 6)) < 0.5,
    "nowhere": np.zeros((1, 1, 6), bool),
    "everywhere": np.ones((6,), bool),
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", MASKS)
def test_attention_looks_where_the_mask_is_true(name: str, causal: bool, by_torch: ByTorch) -> None:
    """Across sequences, with its gradients, against PyTorch, which gives 0 for what sees nothing."""
    dice = np.random.default_rng(1)
    query, key, value = (dice.normal(size=(2, n, 8)) for n in (4, 6, 6))
    mask = MASKS[name]
    given = [g.tensor(each) for each in (query, key, value)]
    y = nn.functional.attention(*given, mask=g.tensor(mask), causal=causal)
    found = [t.numpy() for t in (y, *gradients(y.square().sum(), given))]

    def peer(seen: torch.Tensor, *there: torch.Tensor) -> list[torch.Tensor]:
        for each in there:
            each.requires_grad_()
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            out = F.scaled_dot_product_attention(there[0], there[1], there[2], seen)
        return [out, *torch.autograd.grad(out.square().sum(), there)]

    seen = mask & (np.tri(4, 6, dtype=bool) if causal else np.ones((4, 6), bool))
    expected = by_torch(peer, np.broadcast_to(seen, (2, 4, 6)).copy(), query, key, value)
    for one, other in zip(found, expected, strict=True):
        other.check(one, rtol=1e-9, atol=1e-12)


def test_a_mask_that_does_not_fit() -> None:
    x = g.tensor(SEQUENCE)
    with pytest.raises(TypeError, match="an attention mask is bool, true where to look; got float"):
        nn.functional.attention(x, x, x, mask=x)
    with pytest.raises(ValueError, match=r"mask of shape \(3, 3\) does not broadcast to"):
        nn.functional.attention(x, x, x, mask=g.tensor(np.ones((3, 3), bool)))


# -- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "x", "message"),
    [
        (
            lambda: nn.Embedding(7, 3),
            np.array([[1, 7]]),
            r"Embedding 'a' has rows 0 to 6, got index 7",
        ),
        (lambda: nn.Embedding(7, 3), np.array([[-1]]), r"got index -1"),
        (lambda: nn.Embedding(7, 3), np.array([[0.5]]), r"got index 0.5"),
        (
            lambda: nn.MultiHeadAttention(3),
            SEQUENCE,
            r"MultiHeadAttention 'a' cannot divide 8 features among 3 heads",
        ),
        (
            lambda: nn.TransformerBlock(3),
            SEQUENCE,
            r"MultiHeadAttention 'a.attention' cannot divide 8 features among 3 heads",
        ),
        (
            lambda: nn.TransformerBlock(2),
            SEQUENCE[:, 0],
            r"TransformerBlock 'a' expects \(batch, length, features\), got \(batch, 8\)",
        ),
        (lambda: nn.LSTM(3), SEQUENCE[0], r"LSTM 'a' expects \(batch, length, features\), got"),
        (lambda: nn.GRU(3), SEQUENCE[:, :0], r"GRU 'a' expects .* got \(batch, 0, 8\)"),
        (lambda: nn.LearnedPositions(), SEQUENCE[0], r"LearnedPositions 'a' expects"),
        (lambda: nn.SinusoidalPositions(), SEQUENCE[0], r"SinusoidalPositions 'a' expects"),
        (lambda: nn.FeedForward(), SEQUENCE[0, 0], r"FeedForward 'a' expects \(batch, …, fea"),
        (
            lambda: nn.TiedLinear(nn.Linear(3)),
            SEQUENCE,
            r"TiedLinear 'a' uses the weights of a Linear that has none yet",
        ),
    ],
)
def test_what_does_not_fit(make: Callable[[], nn.Module], x: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nn.Sequential(a=make())(x)


@pytest.mark.parametrize(
    ("make", "other", "message"),
    [
        (nn.LSTM, (5, 4), r"LSTM expects \(batch, length, 8\), got \(batch, 5, 4\)"),
        (nn.MultiHeadAttention, (5, 4), r"expects \(batch, length, 8\), got \(batch, 5, 4\)"),
        (nn.FeedForward, (5, 4), r"expects \(batch, 5, 8\), got \(batch, 5, 4\)"),
    ],
)
def test_another_width_than_it_was_built_for(
    make: Callable[[int], nn.Module], other: tuple[int, ...], message: str
) -> None:
    net = make(2).build((5, 8))
    with pytest.raises(ValueError, match=message):
        net(np.ones((3, *other), np.float32))


def test_longer_than_the_positions_learned() -> None:
    net = nn.LearnedPositions().build((5, 8))
    assert net(np.ones((1, 4, 8), np.float32)).shape == (1, 4, 8)
    with pytest.raises(ValueError, match=r"expects \(batch, at most 5, 8\), got \(batch, 6, 8\)"):
        net(np.ones((1, 6, 8), np.float32))


def test_conditions_are_not_indices() -> None:
    with pytest.raises(TypeError, match=r"Embedding takes whole numbers, got bool"):
        nn.Embedding(2, 3)(np.array([[True]]))


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: nn.Embedding(0, 3), ValueError, "Embedding count is at least 1, got 0"),
        (lambda: nn.Embedding(3, 3, padding=3), ValueError, "padding is an index from 0 to 2"),
        (lambda: nn.Embedding(3, 3, padding=True), TypeError, "padding is an index or None"),
        (lambda: nn.MultiHeadAttention(0), ValueError, "heads is at least 1"),
        (lambda: nn.MultiHeadAttention(2, dropout=1.0), ValueError, "dropout is .* less than 1"),
        (lambda: nn.TransformerBlock(2, drop_path=-0.1), ValueError, "drop_path is at least 0"),
        (lambda: nn.LSTM(0), ValueError, "LSTM units is at least 1"),
        (lambda: nn.TiedLinear(nn.Linear(2), bias=None), ValueError, "bias is True or False"),  # type: ignore[arg-type]
        (lambda: nn.LSTM(2, "all"), ValueError, "'sequence' or 'last', got 'all'"),  # type: ignore[arg-type]
        (lambda: nn.TransformerBlock(2, norm="batch"), ValueError, "'layer' or 'rms'"),  # type: ignore[arg-type]
        (lambda: nn.TiedLinear(nn.ReLU()), TypeError, "a Linear or an Embedding, got a ReLU"),
        (lambda: nn.FeedForward(activation=3), TypeError, "activation is a layer, got 3"),  # type: ignore[arg-type]
        (lambda: nn.Embedding(2, 3, initializer=1), TypeError, "is an Initializer, got 1"),  # type: ignore[arg-type]
    ],
)
def test_settings_out_of_range(
    make: Callable[[], nn.Module], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()
