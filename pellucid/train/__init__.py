"""The engine, its policies and records, checkpoints, and the choices that training needs."""

from pellucid.train.actions import Log, Replace, Rollback, Save, SetRate, Stop
from pellucid.train.choices import Choice
from pellucid.train.events import Callback
from pellucid.train.fit import fit
from pellucid.train.fit_step import StepRun, fit_step
from pellucid.train.model import Model
from pellucid.train.records import Record, Records
from pellucid.train.run import Run
from pellucid.train.steps.step import Step
from pellucid.train.storage.networks_file import load_networks, save_networks
from pellucid.train.tables import fit_table

__all__ = [
    "Callback",
    "Choice",
    "Log",
    "Model",
    "Record",
    "Records",
    "Replace",
    "Rollback",
    "Run",
    "Save",
    "SetRate",
    "Step",
    "StepRun",
    "Stop",
    "fit",
    "fit_step",
    "fit_table",
    "load_networks",
    "save_networks",
]
