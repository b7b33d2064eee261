"""The plain perceptrons in scikit-learn."""

from __future__ import annotations

import time

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.steps.workloads import RATE, Array, Workload, batches, data, weights

MODES = ("partial_fit",)


class Peer:
    """One workload through `partial_fit`."""

    def __init__(self, work: Workload, mode: str, threads: int) -> None:
        del mode, threads
        widths = [layer[1] for layer in work.layers if layer[0] == "linear"]
        if {layer[0] for layer in work.layers} != {"linear", "relu"} or work.predicts:
            raise NotImplementedError("scikit-learn has plain perceptrons only")
        self.work = work
        self.x, self.y = data(work)
        self.net = MLPClassifier(
            tuple(widths[:-1]), alpha=0.0, learning_rate_init=RATE, batch_size=work.batch
        )
        # It would draw its own first weights.
        self.net._init_coef = self._first_weights
        self.weights = iter(weights(work))
        self.classes = np.arange(work.classes)
        self.done = 0

    def _first_weights(self, inputs: int, outputs: int, dtype: object) -> tuple[Array, Array]:
        del inputs, outputs, dtype
        return next(self.weights), next(self.weights)

    def run(self, steps: int) -> list[float]:
        """Train; returns the losses."""
        losses = []
        for rows in batches(self.work, steps):
            # It adds ε before the moments are corrected, the others (Kingma & Ba 2014) after.
            self.done += 1
            epsilon = 1e-8 * (1 - 0.999**self.done) ** 0.5
            if self.done == 1:
                self.net.epsilon = epsilon
            else:
                self.net._optimizer.epsilon = epsilon
            self.net.partial_fit(self.x[rows], self.y[rows], classes=self.classes)
            losses.append(float(self.net.loss_))
        return losses

    def seconds(self, steps: int) -> float:
        """Seconds that so many steps take."""
        began = time.perf_counter()
        self.run(steps)
        return time.perf_counter() - began
