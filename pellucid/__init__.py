"""Neural networks you can see through.

>>> import pellucid as pel
>>> w = pel.variable(3.0, "w")
>>> float(pel.grad(w.square(), w))
6.0
"""

from __future__ import annotations

from pellucid.command import as_before  # before anything that takes time

# isort: split
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pellucid.compile import Automatic, Native
from pellucid.errors import (
    DataError,
    ModelFileError,
    NotFiniteError,
    PellucidError,
    PellucidWarning,
    RunFolderError,
)
from pellucid.graph import (
    Graph,
    Reference,
    State,
    Tensor,
    arange,
    bernoulli,
    concatenate,
    evaluate,
    full,
    grad,
    iota,
    log_softmax,
    logsumexp,
    matmul,
    maximum,
    minimum,
    normal,
    one_hot,
    ones,
    placeholder,
    read,
    softmax,
    stack,
    tensor,
    trace,
    uniform,
    using,
    variable,
    verify,
    where,
    zeros,
)
from pellucid.graph.execute import set_default
from pellucid.hints import PACKAGE, missing

if TYPE_CHECKING:
    from pellucid import data, nn, optim, train
    from pellucid.compile import compile  # the package itself is called, see there
    from pellucid.train import probes
    from pellucid.train.events import Callback
    from pellucid.train.fit import fit
    from pellucid.train.fit_step import fit_step
    from pellucid.train.model import Model
    from pellucid.train.run import Run
    from pellucid.train.steps.step import Step
    from pellucid.train.storage.networks_file import load_networks, save_networks
    from pellucid.train.tables import fit_table

__version__ = "0.1.0"

# What follows the imports can be interrupted as in any module.
as_before()

# Whoever imports pellucid gets compiled programs where compiling pays.
set_default(Automatic())

_LATER = {
    "data": "pellucid.data",
    "nn": "pellucid.nn",
    "optim": "pellucid.optim",
    "train": "pellucid.train",
    "Model": "pellucid.train:Model",
    "Run": "pellucid.train:Run",
    "fit": "pellucid.train:fit",
    "fit_step": "pellucid.train:fit_step",
    "fit_table": "pellucid.train:fit_table",
    "load_networks": "pellucid.train:load_networks",
    "probes": "pellucid.train.probes",
    "save_networks": "pellucid.train:save_networks",
    "Callback": "pellucid.train:Callback",
    "Step": "pellucid.train:Step",
    "set_threads": "pellucid.compile.native.thread_count:set_threads",
}

__all__ = [
    "Callback",
    "DataError",
    "Graph",
    "Model",
    "ModelFileError",
    "Native",
    "NotFiniteError",
    "PellucidError",
    "PellucidWarning",
    "Reference",
    "Run",
    "RunFolderError",
    "State",
    "Step",
    "Tensor",
    "arange",
    "bernoulli",
    "compile",
    "concatenate",
    "data",
    "evaluate",
    "fit",
    "fit_step",
    "fit_table",
    "full",
    "grad",
    "iota",
    "load_networks",
    "log_softmax",
    "logsumexp",
    "matmul",
    "maximum",
    "minimum",
    "nn",
    "normal",
    "one_hot",
    "ones",
    "optim",
    "placeholder",
    "probes",
    "read",
    "save_networks",
    "set_threads",
    "softmax",
    "stack",
    "tensor",
    "trace",
    "train",
    "uniform",
    "using",
    "variable",
    "verify",
    "where",
    "zeros",
]


def __getattr__(name: str) -> Any:
    """Load the upper floors when they are first asked for, so that importing stays quick."""
    if name not in _LATER:
        raise missing("module 'pellucid'", name, PACKAGE)
    module, _, member = _LATER[name].partition(":")
    loaded = import_module(module)
    value = getattr(loaded, member) if member else loaded
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The names of the upper floors too, for completion before they are loaded."""
    return sorted({*globals(), *__all__})
