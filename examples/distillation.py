"""Knowledge distillation: a small network learns from the probabilities of a large one.

Few of the student's rows have a label; the teacher says something of each. `python -m
examples.distillation` prints the accuracy of the teacher, and of a student with and without it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import pellucid as pel
from pellucid import nn, optim
from pellucid.graph import Tensor
from pellucid.train.steps.step import Step

TEMPERATURE = 2.0
Rows = tuple[NDArray[np.float32], NDArray[np.int32]]


def spirals(rows: int, seed: int = 0) -> Rows:
    """Points of three arms of a spiral."""
    dice = np.random.default_rng(seed)
    arm, t = dice.integers(0, 3, rows), dice.uniform(0.2, 1, rows)
    angle = 4 * t + arm * 2 * np.pi / 3 + dice.normal(0, 0.15, rows)
    x = np.stack([t * np.cos(angle), t * np.sin(angle)], 1)
    return x.astype(np.float32), arm.astype(np.int32)


def student_of(teacher: nn.Module | None, rows: Rows, labelled: int = 12) -> nn.Module:
    """A small network, by the first labels and, if there is a teacher, its softened outputs.

    Hinton, Vinyals & Dean 2015, section 2: the teacher's part of the loss is scaled by T².
    """
    student = nn.MLP([16], 3)
    adam, loss = optim.Adam(0.01), nn.CrossEntropy()

    def step(step: Step, x: Tensor, labels: Tensor, known: Tensor) -> None:
        outputs = student(x)
        total = loss(outputs, labels, known)
        if teacher is not None:
            with nn.evaluation():
                goal = pel.softmax(teacher(x) / TEMPERATURE).stop_gradient()
            soft = -(goal * pel.log_softmax(outputs / TEMPERATURE)).sum(-1).mean()
            total = total + TEMPERATURE**2 * soft
        step.minimise(total, student, adam)

    known = (np.arange(len(rows[0])) < labelled).astype(np.float32)
    if teacher is None:
        rows, known = (rows[0][:labelled], rows[1][:labelled]), known[:labelled]
    epochs = 40 if teacher is not None else 400
    pel.fit_step(step, student, (*rows, known), epochs=epochs, batch_size=100, progress=False)
    return student


def accuracy(net: nn.Module, rows: Rows) -> float:
    """The share of rows whose likeliest class is theirs."""
    return float((net(rows[0]).numpy().argmax(1) == rows[1]).mean())


def main() -> None:
    """Train a teacher, then a student with it and one without."""
    many, others, new = spirals(1_000), spirals(1_000, 1), spirals(1_000, 2)
    teacher = nn.MLP([64, 64], 3, norm="batch")
    pel.fit(teacher, many, optimizer=optim.Adam(0.01), epochs=40, progress=False)
    students = [student_of(teacher, others), student_of(None, others)]
    shown = [f"{accuracy(net, new):.0%}" for net in (teacher, *students)]
    print("teacher {}, student with it {}, student by labels alone {}".format(*shown))


if __name__ == "__main__":
    main()
