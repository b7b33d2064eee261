"""Policies: the library's own callbacks, which steer every run.

A policy is a callback (`pellucid.train.events.Callback`): it receives events and answers with actions.
"""

from pellucid.train.policies.checkpointing import Checkpointing
from pellucid.train.policies.divergence import StopOnDivergence
from pellucid.train.policies.early_stopping import EarlyStopping
from pellucid.train.policies.plateau import ReduceOnPlateau
from pellucid.train.policies.time_limit import TimeLimit

__all__ = ["Checkpointing", "EarlyStopping", "ReduceOnPlateau", "StopOnDivergence", "TimeLimit"]
