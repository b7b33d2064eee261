"""Dropout of .2 on inputs and .5 on hidden units lowers the test error of a large perceptron.

Srivastava et al. 2014, "Dropout", section 6.1 (MNIST there).
"""

from __future__ import annotations

import sys

from benchmarks.claims.common import errors, fashion, options, plot, spread, table, trained, verdict
from pellucid import nn, optim

EPOCHS = 40


def main() -> int:
    """Train a large network with and without dropout to the end and compare test errors."""
    chosen = options(__doc__)
    data = fashion(1_000 if chosen.quick else 10_000, chosen.data)
    last: dict[str, list[float]] = {"without": [], "with": []}
    lines: dict[str, tuple[list[float], list[float]]] = {}
    for seed in range(chosen.seeds):
        for kind, values in last.items():
            rates = (0.2, 0.5) if kind == "with" else (0.0, 0.0)
            perceptron = nn.MLP([1024, 1024], 10, input_dropout=rates[0], dropout=rates[1])
            net = nn.Sequential(nn.Flatten(), perceptron)
            run = trained(net, data, seed, EPOCHS, optim.Adam(learning_rate=0.0005))
            _, test_error = errors(run)
            values.append(test_error[-1])
            lines.setdefault(f"{kind} dropout", (list(range(EPOCHS + 1)), test_error))
            print(f"seed {seed}, {kind}: test error {test_error[-1]:.2f}%", flush=True)
    table(["dropout", "test error %"], [[kind, spread(values)] for kind, values in last.items()])
    plot("dropout", lines, "epoch", "test error %")
    lower = sum(last["with"]) < sum(last["without"])
    return verdict("dropout lowers the test error of a large perceptron", lower)


if __name__ == "__main__":
    sys.exit(main())
