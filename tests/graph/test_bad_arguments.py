"""Every public function of graphs refuses what it cannot use with an error of its own words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.errors import PellucidError

X = g.variable(np.ones((2, 6, 3), np.float32), "x")
I = g.variable(np.array([0, 1]))  # noqa: E741
BAD: list[Any] = [
    *(None, "", "abc", b"x", -1, 0, 1.5, float("nan"), float("inf"), -1e39, 1e39, 1j, True, ...),
    *(2**31, 2**63, 10**30, 10**400, 10**5000, [], (), {}, [-1], (0, 0), [1, "a"], {"a": 1}),
    *(np.array([1.0, 2.0]), np.array(["a"]), np.int64(-3), (1, 2, 3, 4, 5), object(), int, [None]),
]
CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "arange": (g.arange, {"count": 3, "dtype": "int64"}),
    "bernoulli": (
        g.bernoulli,
        {"shape": (2,), "probability": 0.5, "seed": 0, "step": 0, "draw": 0},
    ),
    "concatenate": (g.concatenate, {"parts": [X, X], "axis": 0}),
    "convolve": (
        g.convolve,
        {"x": X, "w": g.ones((2, 3, 4)), "stride": 1, "dilation": 1, "groups": 1},
    ),
    "convolve_transposed": (
        g.convolve_transposed,
        {"x": X, "w": g.ones((2, 3, 4)), "lengths": (7,), "stride": 1, "groups": 1},
    ),
    "full": (g.full, {"shape": (2,), "value": 1, "dtype": "float32"}),
    "grad": (g.grad, {"loss": X.sum(), "wrt": X}),
    "iota": (g.iota, {"shape": (2, 3), "axis": 0, "dtype": "int64"}),
    "log_softmax": (g.log_softmax, {"x": X, "axis": -1}),
    "logsumexp": (g.logsumexp, {"x": X, "axis": -1}),
    "matmul": (g.matmul, {"a": X, "b": g.ones((3, 2))}),
    "maximum": (g.maximum, {"x": X, "y": X}),
    "normal": (g.normal, {"shape": (2,), "seed": 0, "step": 0, "draw": 0, "dtype": "float32"}),
    "one_hot": (g.one_hot, {"index": I, "classes": 3, "dtype": "float32"}),
    "placeholder": (g.placeholder, {"name": "a", "shape": (2,), "dtype": "float32"}),
    "read": (g.read, {"state": g.State(np.ones(2))}),
    "softmax": (g.softmax, {"x": X, "axis": -1}),
    "stack": (g.stack, {"parts": [X, X], "axis": 0}),
    "state": (g.State, {"value": np.ones(2)}),
    "tensor": (g.tensor, {"value": [1.0], "dtype": "float32"}),
    "trace": (g.trace, {"loss": X.sum()}),
    "variable": (g.variable, {"value": 1.0}),
    "verify": (g.verify, {"graph": g.Graph({"a": X.node})}),
    "where": (g.where, {"condition": X > 0, "x": X, "y": X}),
    "windows": (g.windows, {"x": X, "sizes": 2, "steps": 1, "dilations": 1, "axes": -2}),
    "zeros_like": (g.zeros_like, {"x": X}),
    "x.argmax": (X.argmax, {"axis": 0}),
    "x.broadcast_to": (lambda shape: X.broadcast_to(shape), {"shape": (2, 6, 3)}),
    "x.cast": (X.cast, {"dtype": "int32"}),
    "x.clip": (X.clip, {"low": 0, "high": 1}),
    "x.expand_dims": (X.expand_dims, {"axis": 0}),
    "x.flip": (X.flip, {"axes": 0}),
    "x.pad": (X.pad, {"before": (0, 0, 0), "after": (1, 1, 1), "interior": None, "value": 0.0}),
    "x.reshape": (lambda shape: X.reshape(shape), {"shape": (6, 6)}),
    "x.scatter_add": (X.scatter_add, {"index": I, "length": 3, "axis": 0}),
    "x.squeeze": (X.squeeze, {"axes": None}),
    "x.sum": (X.sum, {"axes": 0}),
    "x.swap_axes": (X.swap_axes, {"first": 0, "second": 1}),
    "x.take": (X.take, {"index": I, "axis": 0}),
    "x.transpose": (lambda order: X.transpose(order), {"order": (2, 1, 0)}),
    "x.var": (X.var, {"axes": 0, "ddof": 0}),
    "x + y": (X.__add__, {"other": 1.0}),
    "x < y": (X.__lt__, {"other": 1}),
    "x = y": (X.equal, {"other": 1}),
    "x @ y": (X.__matmul__, {"other": g.ones((3, 2))}),
    "x ** y": (X.__pow__, {"power": 2}),
}
RAW = re.compile(
    r"object (is not|cannot)|has no attribute|unsupported|ambiguous|not supported between|unhashable"
    r"|Exceeds|argument|could not|Cannot interpret|unpack|NumPy boolean|must be|not understood"
)
"""What Python and NumPy say of wrong arguments."""


@pytest.mark.parametrize("name", CALLS)
def test_a_bad_argument_is_refused_in_our_words(name: str) -> None:
    call, good = CALLS[name]
    call(**good)
    for argument in good:
        for bad in BAD:
            try:
                call(**{**good, argument: bad})
            except (ValueError, TypeError, PellucidError) as error:
                assert not RAW.search(str(error)), f"{argument}, a {type(bad).__name__}: {error}"
                assert len(str(error)) < 300


@pytest.mark.parametrize("index", [None, "a", 1.5, 10**30, -7, (0, 0, 0, 0), {}, 1j])
def test_a_bad_index_is_an_index_error(index: Any) -> None:
    if index is None:
        assert X[index].shape == (1, 2, 6, 3)
        return
    with pytest.raises(IndexError):
        X[index]
