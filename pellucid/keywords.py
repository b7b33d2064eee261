"""Keywords from PyTorch and Keras, refused with a hint of what to give here instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pellucid.hints import DEVICE, INFERRED

KEYWORDS: dict[str, str] = {
    "lr": "it is called learning_rate",
    "betas": "give beta1 and beta2",
    "beta_1": "it is called beta1",
    "beta_2": "it is called beta2",
    "eps": "it is called epsilon",
    "momentum": "of optim.SGD, optim.Muon and optim.RMSprop; in optim.Adam and its like it is beta1",
    "weight_decay": "use optim.AdamW(weight_decay=…), or optim.Regularised(optimizer, l2=…)",
    "nesterov": "of optim.SGD and optim.Muon; of Adam it is optim.NAdam",
    "amsgrad": "use optim.AMSGrad()",
    "params": "leave the parameters out: pel.fit hands them over",
    "clipnorm": "use optim.Clip(optimizer, norm=…)",
    "clipvalue": "use optim.Clip(optimizer, value=…)",
    "in_features": f"leave it out: {INFERRED}",
    "out_features": "it is called features",
    "in_channels": f"leave it out: {INFERRED}",
    "out_channels": "it is called features",
    "filters": "it is called features",
    "input_size": f"leave it out: {INFERRED}",
    "input_dim": f"leave it out: {INFERRED}",
    "input_shape": f"leave it out: {INFERRED}",
    "num_features": f"leave it out: {INFERRED}",
    "num_channels": f"leave it out: {INFERRED}",
    "normalized_shape": f"leave it out: {INFERRED}",
    "embed_dim": f"leave it out: {INFERRED}",
    "d_model": f"leave it out: {INFERRED}",
    "hidden_size": "it is called units",
    "num_heads": "it is called heads",
    "nhead": "it is called heads",
    "num_groups": "it is called groups",
    "num_embeddings": "it is called count",
    "embedding_dim": "it is called features",
    "output_dim": "it is called features",
    "padding_idx": "it is called padding",
    "ignore_index": "it is called ignore",
    "weight": "it is called class_weights",
    "pos_weight": "use class_weights=(1, weight)",
    "from_logits": "leave it out: losses take logits",
    "units": "it is called features",
    "activation": "give the activation as the next layer, such as nn.ReLU()",
    "use_bias": "it is called bias",
    "kernel_initializer": "it is called initializer",
    "p": "it is called rate",
    "dim": "it is called axis",
    "strides": "it is called stride",
    "pool_size": "it is called size",
    "kernel_size": "it is called size",
    "output_size": "it is called size",
    "scale_factor": "it is called factor",
    "negative_slope": "it is called slope",
    "batch_first": "leave it out: sequences are (batch, length, features)",
    "num_layers": "use as many layers one after another",
    "bidirectional": "use nn.Parallel(nn.LSTM(n), nn.LSTM(n, reverse=True))",
    "return_sequences": 'use output="sequence" or output="last"',
    "device": DEVICE,
    "inplace": "leave it out: tensors do not change",
    "affine": "leave it out: there always are γ and β",
    "step_size": "it is called every",
    "gamma": "it is called by",
    "milestones": "it is called at",
    "factor": "it is called by",
    "start_dim": "leave it out: rows stay apart, and each becomes a vector",
    "T_max": "leave it out: the schedule takes all epochs of pel.fit",
}

_AXES = "give it by position, such as x.sum(1)"

BUILDERS: dict[str, str] = {"dim": "it is called axis", "keepdim": "it is called keepdims"}

CALLS: dict[str, str] = {
    "axis": _AXES,
    "dim": _AXES,
    "keepdim": "it is called keepdims",
    "unbiased": "use ddof=1, or ddof=0",
    "correction": "it is called ddof",
    "requires_grad": "every float state can be differentiated by: pel.grad(loss, x)",
    "device": DEVICE,
}

FIT: dict[str, str] = {
    "target": "of a table it is pel.fit_table(table, target)",
    "lr": "use optimizer=optim.Adam(learning_rate)",
    "learning_rate": "use optimizer=optim.Adam(learning_rate)",
    "x": "give both as a pair: pel.fit(net, (X, y))",
    "y": "give both as a pair: pel.fit(net, (X, y))",
    "validation_data": "it is called validation",
    "validation_split": "it is called validation",
    "criterion": "it is called loss",
    "loss_fn": "it is called loss",
    "num_epochs": "it is called epochs",
    "n_epochs": "it is called epochs",
    "max_epochs": "it is called epochs",
    "scheduler": "it is called schedule",
    "lr_scheduler": "it is called schedule",
    "verbose": "use progress=False",
    "shuffle": "leave it out: every epoch is shuffled, by the seed",
    "metrics": "run.model.evaluate(X, y) measures; run.history holds what was measured",
    "sample_weight": "give the weights with the rows: pel.fit(net, (X, y, weights))",
    "class_weight": "use loss=nn.CrossEntropy(class_weights=nn.balanced_weights(y))",
    "early_stopping": "it is called patience",
    "device": DEVICE,
    "random_state": "it is called seed",
    "num_workers": DEVICE,
    "dataloader": "give the arrays: pel.fit(net, (X, y), batch_size=…)",
}

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Hinted:
    """A class whose constructor has a hint for the keywords of `KEYWORDS` that it does not take."""

    __slots__ = ()

    if not TYPE_CHECKING:

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            """The object, unless a keyword is one that other libraries have."""
            if kwargs.keys() & KEYWORDS.keys():
                _refuse(cls.__init__, cls.__name__, kwargs, KEYWORDS)
                _refuse_twice(cls, args, kwargs)
            return super().__new__(cls)


def explained(
    table: Mapping[str, str],
) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Decorates a function with hints for the keywords of `table` that it does not take."""

    def decorate(call: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @wraps(call)
        def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            if kwargs.keys() & table.keys():
                _refuse(call, call.__name__, kwargs, table)
            return call(*args, **kwargs)

        return wrapped

    return decorate


def _refuse_twice(cls: type, args: tuple[Any, ...], named: Mapping[str, Any]) -> None:
    """Refuse `Conv2d(3, 16, kernel_size=5)`, where 16 already is the size of the kernel."""
    by_position = list(inspect.signature(cls).parameters)[: len(args)]
    for keyword in named.keys() & set(by_position):
        raise TypeError(
            f"{cls.__name__} is given {keyword!r} twice, by position too; the number of inputs is "
            "inferred and not given"
        )


def _refuse(
    call: Callable[..., Any], name: str, named: Mapping[str, Any], table: Mapping[str, str]
) -> None:
    parameters = inspect.signature(call).parameters
    if any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
        return
    for keyword in named:
        if keyword not in parameters and keyword in table:
            raise TypeError(f"{name} takes no {keyword!r}: {table[keyword]}")
