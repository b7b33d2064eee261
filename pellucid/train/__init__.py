"""The loop, checkpoints, and the choices that training needs."""

from pellucid.train.choices import Choice
from pellucid.train.fit import fit
from pellucid.train.model import Model
from pellucid.train.run import Run
from pellucid.train.tables import fit_table

__all__ = ["Choice", "Model", "Run", "fit", "fit_table"]
