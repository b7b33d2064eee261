"""Running statistics of a network whose weights are not those that training went through."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid import nn
from pellucid.graph import Array, Graph, executor, placeholder
from pellucid.graph.dtype import FLOAT32, INT64
from pellucid.nn.inputs import apply, leaves, mapped
from pellucid.train.loop.interrupt import poll


class Statistics:
    """Sets running statistics to their means over batches of the training rows.

    An average of weights has activations of its own, to which the statistics that moved along with
    the weights do not belong (Izmailov et al. 2018, section 3.2). A pass over the rows in training
    mode, in batches of the size that training has, gives its own; what is left over of the rows is
    not used.
    """

    def __init__(self, net: nn.Module, x: Any, batch_size: int, seed: int) -> None:
        """x: the training rows, an array or a tree of them."""
        self._x: dict[str, Array] = leaves(x)
        self._rows = min(len(array) for array in self._x.values())
        self._size = min(batch_size, self._rows)
        batch = mapped(lambda n, a: placeholder(n, (self._size, *a.shape[1:]), a.dtype), x)
        share, step = placeholder("share", (), FLOAT32), placeholder("step", (), INT64)
        with nn.training(seed=seed, step=step, momentum=share) as seen:
            apply(net, batch)
        self._graph = Graph({}, seen.updates)
        self._program = executor().build(self._graph, True) if seen.updates else None

    def run(self) -> None:
        """Each statistic the plain mean of those of the batches."""
        if self._program is None:
            return
        for k in range(self._rows // self._size):
            poll()
            part = slice(k * self._size, (k + 1) * self._size)
            feeds = {
                **{name: array[part][None] for name, array in self._x.items()},
                "share": np.array([1 / (k + 1)], np.float32),
                "step": np.array([k]),
            }
            self._program.run(1, {name: feeds[name] for name in self._graph.inputs})
