"""The learning rate of each step."""

from __future__ import annotations

from pellucid import check, optim
from pellucid.train.batches import Batches
from pellucid.train.storage.checkpoint import Position


class Rates:
    """η of each step: that of the optimizer, times the factors of actions, schedule and its reaction.

    schedule: the one in force. epochs: of the whole training.
    """

    def __init__(self, schedule: optim.Schedule, batches: Batches, epochs: int) -> None:
        self.schedule = schedule
        self._batches = batches
        self._epochs = epochs
        self._reaction = 1.0

    def react(self, position: Position) -> None:
        """Let the schedule see the history; raises TypeError for a reaction that is no number."""
        self._reaction = 1.0
        if type(self.schedule).reaction is not optim.Schedule.reaction:
            reaction = self.schedule.reaction([entry.measures for entry in position.history])
            name = f"the reaction of {type(self.schedule).__name__}"
            self._reaction = check.plain(name, reaction)

    def at(self, position: Position, optimizer: optim.Optimizer, steps: range) -> list[float]:
        """η of an optimizer at each of some steps, in the epoch that a run is in."""
        rate = optimizer.learning_rate * position.rate_factor
        if type(self.schedule) is optim.ConstantRate:
            return [float(rate)] * len(steps)
        behind = (self._batches.epoch_at(step, position.epoch) for step in steps)
        factors = [rate * self.schedule.factor(each, self._epochs) for each in behind]
        reaction = self._reaction
        return [float(each if reaction == 1.0 else each * reaction) for each in factors]
