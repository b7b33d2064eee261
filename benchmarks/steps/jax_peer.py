"""The workloads in JAX, with optax's Adam."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks.steps.workloads import RATE, Layer, Workload, batches, data, weights

MODES = ("jit", "scan")


def _network(layers: Sequence[Layer], x: Any, values: Iterator[Any], keys: Iterator[Any]) -> Any:
    for name, *settings in layers:
        x = _layer(name, settings, x, values, keys)
    return x


def _layer(
    name: str, settings: list[Any], x: Any, values: Iterator[Any], keys: Iterator[Any]
) -> Any:
    if name == "linear":
        return x @ next(values) + next(values)
    if name == "relu":
        return jax.nn.relu(x)
    if name == "batchnorm":
        axes = tuple(range(x.ndim - 1))
        mean, variance = x.mean(axes), x.var(axes)
        return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * next(values) + next(values)
    if name == "dropout":
        keep = 1 - settings[0]
        return jnp.where(jax.random.bernoulli(next(keys), keep, x.shape), x / keep, 0.0)
    if name == "conv":
        _, _, stride, pad, groups = settings
        y = jax.lax.conv_general_dilated(
            x,
            next(values),
            (stride, stride),
            [(pad, pad)] * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=groups,
        )
        return y + next(values)
    if name == "maxpool":
        window = (1, settings[0], settings[0], 1)
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
    if name == "flatten":
        return x.reshape(len(x), -1)
    if name == "mean":
        return x.mean(tuple(range(1, x.ndim - 1)))
    if name == "residual":
        y = _network(settings[0], x, values, keys)
        return y + _network(settings[1], x, values, keys)
    if name == "shortcut":
        x = x[:, :: settings[1], :: settings[1]]
        return jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, settings[0] - x.shape[-1])))
    if name == "lstm":
        return _lstm(x, next(values), next(values), next(values))
    if name == "transformer":
        return _transformer(x, settings[0], [next(values) for _ in range(12)])
    raise ValueError(name)


def _lstm(x: Any, w: Any, u: Any, b: Any) -> Any:
    projected = jnp.swapaxes(x @ w + b, 0, 1)

    def turn(carry: Any, z: Any) -> Any:
        h, c = carry
        i, f, g, o = jnp.split(z + h @ u, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), None

    start = jnp.zeros((x.shape[0], u.shape[0]), x.dtype)
    return jax.lax.scan(turn, (start, start), projected)[0][0]


def _layer_norm(x: Any, gamma: Any, beta: Any) -> Any:
    rest = x - x.mean(-1, keepdims=True)
    return rest * jax.lax.rsqrt((rest**2).mean(-1, keepdims=True) + 1e-5) * gamma + beta


def _transformer(x: Any, heads: int, v: list[Any]) -> Any:
    rows, length, width = x.shape
    parts = _layer_norm(x, v[0], v[1]) @ v[2] + v[4]
    q, k, w = jnp.moveaxis(parts.reshape(rows, length, 3, heads, -1), 2, 0)
    scores = jnp.einsum("nihd,njhd->nhij", q, k) / jnp.sqrt(q.shape[-1])
    seen = jnp.einsum("nhij,njhd->nihd", jax.nn.softmax(scores), w)
    x = x + seen.reshape(rows, length, width) @ v[3] + v[5]
    hidden = jax.nn.gelu(_layer_norm(x, v[6], v[7]) @ v[8] + v[9], approximate=False)
    return x + hidden @ v[10] + v[11]


class Peer:
    """One workload, a jitted call for each step or one for many."""

    def __init__(self, work: Workload, mode: str, threads: int) -> None:
        del threads  # JAX takes the processors that the process may run on.
        if work.against:
            raise NotImplementedError("a step of two networks is not written here")
        if work.predicts:
            raise NotImplementedError("its batch norm here keeps no running statistics")
        self.work = work
        self.mode = mode
        x, y = map(jnp.asarray, data(work))
        adam = optax.adam(RATE)

        def loss(values: Any, rows: Any, key: Any) -> Any:
            keys = iter(jax.random.split(key, 8))
            out = _network(work.layers, x[rows], iter(values), keys)
            return optax.softmax_cross_entropy_with_integer_labels(out, y[rows]).mean()

        def step(carry: Any, inputs: Any) -> Any:
            values, slots = carry
            value, gradient = jax.value_and_grad(loss)(values, *inputs)
            change, slots = adam.update(gradient, slots)
            return (optax.apply_updates(values, change), slots), value

        self.one = jax.jit(step, donate_argnums=0)
        self.many = jax.jit(
            lambda carry, inputs: jax.lax.scan(step, carry, inputs), donate_argnums=0
        )
        values = [jnp.asarray(w) for w in weights(work)]
        self.carry = (values, adam.init(values))

    def _inputs(self, steps: int) -> tuple[Any, Any]:
        keys = jax.random.split(jax.random.PRNGKey(0), steps)
        return jnp.asarray(batches(self.work, steps)), keys

    def run(self, steps: int) -> list[float]:
        """Train; returns the losses."""
        return self._run(*self._inputs(steps))

    def _run(self, rows: Any, keys: Any) -> list[float]:
        if self.mode == "scan":
            self.carry, losses = self.many(self.carry, (rows, keys))
            return [float(loss) for loss in losses]
        losses = []
        for row, key in zip(rows, keys, strict=True):
            self.carry, loss = self.one(self.carry, (row, key))
            losses.append(loss)
        return [float(loss) for loss in losses]

    def seconds(self, steps: int) -> float:
        """Seconds that so many steps take."""
        rows, keys = self._inputs(steps)
        each = list(rows), list(keys)
        jax.block_until_ready((rows, each))
        began = time.perf_counter()
        if self.mode == "scan":
            self.carry, losses = self.many(self.carry, (rows, keys))
        else:
            for row, key in zip(*each, strict=True):
                self.carry, losses = self.one(self.carry, (row, key))
        jax.block_until_ready((self.carry, losses))
        return time.perf_counter() - began
