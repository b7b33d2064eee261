"""What people who know PyTorch or Keras type, and what it is called here: one table and its helpers.

A hint is added to the AttributeError or TypeError that Python raises anyway, so `hasattr` works as
always. `docs/porting.md` is the same for reading.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_FIT = "training is one call, pel.fit(net, (X, y), loss=…, optimizer=…)"
_MODE = "pel.fit trains in training mode and predicts in evaluation mode; nn.training() is the mode"
_GRAD = "gradients are tensors of their own: pel.grad(loss, parameters)"
_NO_GRAD = "nothing is recorded, so nothing is to be turned off; x.stop_gradient() is a constant"
_DEVICE = "everything runs on the processor; pel.set_threads(n) says on how many threads"
_DTYPE = 'use x.cast("float32"), or "int64", "bool", …'
_LIST = "keep layers in a list or a dict of an attribute: their parameters are found there"
_INFERRED = "the number of inputs is inferred when the network is built"
_DRAW = "draw with pel.normal(shape, seed=…) or pel.uniform; every draw has its own seed"
_PLACE = "tensors are not changed in place: build a new one, such as x + y"

PACKAGE: dict[str, str] = {
    "cat": "use pel.concatenate(parts, axis)",
    "concat": "use pel.concatenate(parts, axis)",
    "hstack": "use pel.concatenate(parts, 1)",
    "vstack": "use pel.concatenate(parts, 0)",
    "as_tensor": "use pel.tensor(value)",
    "from_numpy": "use pel.tensor(array)",
    "array": "use pel.tensor(value)",
    "constant": "use pel.tensor(value)",
    "FloatTensor": 'use pel.tensor(value, "float32")',
    "LongTensor": 'use pel.tensor(value, "int64")',
    "Variable": "use pel.variable(value)",
    "function": "use pel.compile(function)",
    "jit": "use pel.compile(function)",
    "no_grad": _NO_GRAD,
    "inference_mode": _NO_GRAD,
    "enable_grad": _GRAD,
    "set_grad_enabled": _NO_GRAD,
    "autograd": _GRAD,
    "GradientTape": _GRAD,
    "backward": _GRAD,
    "manual_seed": "a seed is an argument: pel.fit(…, seed=0), net.build(shape, seed=0)",
    "seed": "a seed is an argument: pel.fit(…, seed=0), net.build(shape, seed=0)",
    "randn": _DRAW,
    "rand": _DRAW,
    "randint": _DRAW,
    "random": _DRAW,
    "device": _DEVICE,
    "cuda": _DEVICE,
    "set_num_threads": "use pel.set_threads(n)",
    "load": "use pel.Model.load(path)",
    "save": "use run.model.save(path), or net.state_dict() for the weights alone",
    "mm": "use pel.matmul(a, b) or a @ b",
    "bmm": "use pel.matmul(a, b) or a @ b",
    "dot": "use pel.matmul(a, b) or a @ b",
    "einsum": "use pel.matmul, x.transpose and x.sum",
    "relu": "use x.relu() or nn.functional.relu(x)",
    "sigmoid": "use x.sigmoid()",
    "tanh": "use x.tanh()",
    "exp": "use x.exp()",
    "log": "use x.log()",
    "sqrt": "use x.sqrt()",
    "sum": "use x.sum(axes)",
    "mean": "use x.mean(axes)",
    "max": "use x.max(axes), or pel.maximum(x, y) of two",
    "min": "use x.min(axes), or pel.minimum(x, y) of two",
    "reshape": "use x.reshape(shape)",
    "transpose": "use x.transpose(order)",
    "Module": "it is nn.Module",
    "Sequential": "it is nn.Sequential",
    "Linear": "it is nn.Linear",
    "keras": "layers are in pel.nn, optimizers in pel.optim",
    "layers": "layers are in pel.nn",
    "losses": "losses are in pel.nn",
    "optimizers": "optimizers are in pel.optim",
    "metrics": "run.model.evaluate(X, y) measures; run.history holds what was measured",
    "utils": "arrays are given whole: pel.fit(net, (X, y), batch_size=…) makes the batches",
    "DataLoader": "arrays are given whole: pel.fit(net, (X, y), batch_size=…) makes the batches",
    "Trainer": _FIT,
}

LAYERS: dict[str, str] = {
    "CrossEntropyLoss": "use nn.CrossEntropy(), which takes logits too",
    "NLLLoss": "use nn.CrossEntropy() on logits, without the LogSoftmax before it",
    "SparseCategoricalCrossentropy": "use nn.CrossEntropy(), which takes logits",
    "CategoricalCrossentropy": "use nn.CrossEntropy(), which takes logits",
    "BinaryCrossentropy": "use nn.BinaryCrossEntropy(), which takes logits",
    "BCEWithLogitsLoss": "use nn.BinaryCrossEntropy(), which takes logits",
    "BCELoss": "use nn.BinaryCrossEntropy() on logits, without the Sigmoid before it",
    "MSELoss": "use nn.MSE()",
    "L1Loss": "use nn.MAE()",
    "SmoothL1Loss": "use nn.Huber()",
    "HuberLoss": "use nn.Huber()",
    "KLDivLoss": "use nn.KLDivergence(), which takes logits",
    "PoissonNLLLoss": "use nn.Poisson()",
    "CosineEmbeddingLoss": "use nn.CosineDistance()",
    "CosineSimilarity": "use nn.CosineDistance()",
    "HingeEmbeddingLoss": "use nn.Hinge()",
    "MultiMarginLoss": "use nn.Hinge()",
    "ModuleList": _LIST,
    "ModuleDict": _LIST,
    "ParameterList": _LIST,
    "Dense": "use nn.Linear(features), and the activation as a layer, such as nn.ReLU()",
    "LazyLinear": "use nn.Linear(features)",
    "Conv1D": "use nn.Conv1d(features, kernel_size)",
    "Conv2D": "use nn.Conv2d(features, kernel_size)",
    "Conv2DTranspose": "use nn.ConvTranspose2d(features, kernel_size)",
    "DepthwiseConv2D": "use nn.Conv2d(features, kernel_size, groups=features)",
    "MaxPooling2D": "use nn.MaxPool2d(size)",
    "MaxPool2D": "use nn.MaxPool2d(size)",
    "AveragePooling2D": "use nn.AveragePool2d(size)",
    "AvgPool1d": "use nn.AveragePool1d(size)",
    "AvgPool2d": "use nn.AveragePool2d(size)",
    "AdaptiveAvgPool2d": "use nn.AdaptiveAveragePool2d(size), or nn.GlobalAveragePool() for 1",
    "GlobalAveragePooling2D": "use nn.GlobalAveragePool()",
    "GlobalMaxPooling2D": "use nn.GlobalMaxPool()",
    "UpSampling2D": "use nn.Upsample(factor)",
    "BatchNorm1d": "use nn.BatchNorm(), whose features are inferred",
    "BatchNorm2d": "use nn.BatchNorm(), whose features are inferred",
    "BatchNormalization": "use nn.BatchNorm()",
    "LayerNormalization": "use nn.LayerNorm()",
    "InstanceNorm1d": "use nn.InstanceNorm()",
    "InstanceNorm2d": "use nn.InstanceNorm()",
    "Dropout1d": "use nn.Dropout(rate, channels=True)",
    "Dropout2d": "use nn.Dropout(rate, channels=True)",
    "SpatialDropout2D": "use nn.Dropout(rate, channels=True)",
    "AlphaDropout": "use nn.Dropout(rate)",
    "MultiheadAttention": "use nn.MultiHeadAttention(heads)",
    "TransformerEncoderLayer": "use nn.TransformerBlock(heads)",
    "TransformerEncoder": "use nn.TransformerBlock(heads), as often as there are layers",
    "RNN": "use nn.GRU(units) or nn.LSTM(units)",
    "Bidirectional": "use nn.Parallel(nn.LSTM(n), nn.LSTM(n, reverse=True))",
    "Swish": "use nn.SiLU()",
    "Activation": "use the activation's own layer, such as nn.ReLU()",
    "Unflatten": "use nn.Reshape(shape)",
    "Add": "use nn.Residual(block), or nn.Sum(branch, branch)",
    "Concatenate": "use nn.Parallel(branch, branch)",
    "Input": f"leave it out: {_INFERRED}",
    "InputLayer": f"leave it out: {_INFERRED}",
    "Model": "subclass nn.Module, or use nn.Sequential",
    "Lambda": "write a subclass of nn.Module with a forward",
    "init": "initialisers are in nn, such as nn.HeNormal(), and given as initializer=",
    "utils": "gradients are limited by optim.Clip(optimizer, norm=1.0)",
    "DataParallel": _DEVICE,
}

OPTIMIZERS: dict[str, str] = {
    "lr_scheduler": "schedules are in optim: pel.fit(…, schedule=optim.CosineRate())",
    "StepLR": "use optim.StepRate(every, by), as schedule= of pel.fit",
    "MultiStepLR": "use optim.MilestoneRate(at, by), as schedule= of pel.fit",
    "ExponentialLR": "use optim.ExponentialRate(by), as schedule= of pel.fit",
    "CosineAnnealingLR": "use optim.CosineRate(), as schedule= of pel.fit",
    "CosineAnnealingWarmRestarts": "use optim.CosineRestarts(first), as schedule= of pel.fit",
    "CosineDecay": "use optim.CosineRate(), as schedule= of pel.fit",
    "OneCycleLR": "use optim.OneCycle(), as schedule= of pel.fit",
    "ReduceLROnPlateau": "use optim.PlateauRate(patience, by), as schedule= of pel.fit",
    "LinearLR": "use optim.WarmUp(over, then), as schedule= of pel.fit",
    "LambdaLR": "write a subclass of optim.Schedule with a factor",
    "Nadam": "it is optim.NAdam",
    "ASGD": "use optim.StochasticAverage(optim.SGD(…))",
    "swa_utils": "use optim.StochasticAverage(optimizer) or optim.MovingAverage(optimizer)",
    "SAM": "use optim.SharpnessAware(optimizer)",
    "clip_grad_norm_": "use optim.Clip(optimizer, norm=1.0)",
}

FUNCTIONS: dict[str, str] = {
    "cross_entropy": "use nn.CrossEntropy()(outputs, targets)",
    "nll_loss": "use nn.CrossEntropy()(outputs, targets) on logits",
    "binary_cross_entropy": "use nn.BinaryCrossEntropy()(outputs, targets) on logits",
    "binary_cross_entropy_with_logits": "use nn.BinaryCrossEntropy()(outputs, targets)",
    "mse_loss": "use nn.MSE()(outputs, targets)",
    "l1_loss": "use nn.MAE()(outputs, targets)",
    "smooth_l1_loss": "use nn.Huber()(outputs, targets)",
    "kl_div": "use nn.KLDivergence()(outputs, targets)",
    "dropout": "keep a nn.Dropout(rate) in an attribute and call it",
    "linear": "use x @ W + b",
    "conv2d": "use pel.graph.convolve(x, w), or keep a nn.Conv2d in an attribute and call it",
    "max_pool2d": "keep a nn.MaxPool2d(size) in an attribute and call it",
    "avg_pool2d": "keep a nn.AveragePool2d(size) in an attribute and call it",
    "interpolate": "keep a nn.Upsample(factor) in an attribute and call it",
    "batch_norm": "keep a nn.BatchNorm() in an attribute and call it",
    "layer_norm": "keep a nn.LayerNorm() in an attribute and call it",
    "embedding": "keep a nn.Embedding(count, features) in an attribute and call it",
    "one_hot": "use pel.one_hot(index, classes)",
    "pad": "use x.pad(before, after)",
    "scaled_dot_product_attention": "use nn.functional.attention(query, key, value)",
}

MODULE: dict[str, str] = {
    "train": _MODE,
    "eval": _MODE,
    "training": "ask nn.is_training()",
    "zero_grad": f"there is nothing to clear: {_GRAD}",
    "backward": _GRAD,
    "requires_grad_": 'freeze layers with optim.Groups(optimizer, [optim.Group("hidden.*", None)])',
    "to": _DEVICE,
    "cuda": _DEVICE,
    "cpu": _DEVICE,
    "half": "give net.build(shape, dtype=…) float32 or float64",
    "float": 'use net.build(shape, dtype="float32")',
    "double": 'use net.build(shape, dtype="float64")',
    "modules": "use net.named_modules()",
    "children": "use net.named_children()",
    "buffers": "use net.named_buffers()",
    "apply": "go through net.named_modules()",
    "register_buffer": "make it in setup: self.running = self.buffer(name, value)",
    "register_parameter": "make it in setup: self.W = self.parameter(name, shape, initializer)",
    "add_module": "assign it to an attribute: self.name = layer",
    "append": "give all layers to the constructor, or keep them in a list of an attribute",
    "add": "give all layers to the constructor: nn.Sequential(layer, layer)",
    "compile": f"there is no step between: {_FIT}",
    "fit": "use pel.fit(net, (X, y)), which returns the run",
    "predict": "run = pel.fit(net, (X, y)); run.model.predict(X)",
    "evaluate": "run = pel.fit(net, (X, y)); run.model.evaluate(X, y)",
    "save": "use run.model.save(path), or net.state_dict() for the weights alone",
    "get_weights": "use net.state_dict()",
    "set_weights": "use net.load_state_dict(values)",
    "save_weights": "use net.state_dict()",
    "load_weights": "use net.load_state_dict(values)",
    "weight": "it is called W",
    "count_params": "use net.parameter_count()",
    "trainable_variables": "use net.parameters()",
    "trainable_weights": "use net.parameters()",
    "call": "write forward",
}

TENSOR: dict[str, str] = {
    "backward": _GRAD,
    "grad": _GRAD,
    "requires_grad": "every float state can be differentiated by: pel.grad(loss, x)",
    "requires_grad_": "every float state can be differentiated by: pel.grad(loss, x)",
    "detach": "use x.stop_gradient()",
    "data": "use x.numpy() for the value, p.value for that of a parameter",
    "clone": "tensors do not change, so none needs a copy",
    "contiguous": "every tensor is; x.reshape always works",
    "view": "use x.reshape(shape)",
    "permute": "use x.transpose(order)",
    "t": "use x.T",
    "unsqueeze": "use x.expand_dims(axis)",
    "expand": "use x.broadcast_to(shape)",
    "repeat": "use x.expand_dims(axis).broadcast_to(shape)",
    "dim": "use x.ndim",
    "numel": "use x.size",
    "to": f"{_DTYPE}; {_DEVICE}",
    "cuda": _DEVICE,
    "cpu": _DEVICE,
    "device": _DEVICE,
    "float": _DTYPE,
    "double": _DTYPE,
    "half": _DTYPE,
    "long": _DTYPE,
    "int": _DTYPE,
    "bool": _DTYPE,
    "type": _DTYPE,
    "astype": _DTYPE,
    "add": "use x + y",
    "sub": "use x - y",
    "mul": "use x * y",
    "div": "use x / y",
    "pow": "use x ** y",
    "dot": "use x @ y",
    "mm": "use x @ y",
    "bmm": "use x @ y",
    "matmul": "use x @ y",
    "eq": "use x == y",
    "norm": "use x.square().sum().sqrt()",
    "clamp": "use x.clip(low, high)",
    "softmax": "use pel.softmax(x)",
    "log_softmax": "use pel.log_softmax(x)",
    "masked_fill": "use pel.where(mask, value, x)",
    "gather": "use x.take(index, axis), or x[rows, columns]",
    "index_select": "use x.take(index, axis)",
    "scatter": "use x.scatter_add(index, length)",
    "argsort": "sort in NumPy, before: the graph has no sorting",
    "sort": "sort in NumPy, before: the graph has no sorting",
    "unbind": "iterate over x",
    "chunk": "use slices, such as x[:, :n]",
    "split": "use slices, such as x[:, :n]",
    "swapaxes": "use x.swap_axes(first, second)",
    "add_": _PLACE,
    "sub_": _PLACE,
    "mul_": _PLACE,
    "zero_": _PLACE,
    "fill_": _PLACE,
    "copy_": "of a parameter, assign p.value = array",
}

OPTIMIZER: dict[str, str] = {
    "step": _FIT,
    "zero_grad": f"there is nothing to clear: {_GRAD}",
    "param_groups": 'use optim.Groups(optimizer, [optim.Group("hidden.*", other)])',
    "add_param_group": 'use optim.Groups(optimizer, [optim.Group("hidden.*", other)])',
    "state_dict": "run folders hold the states: pel.fit(…, out=folder), then resume=True",
    "minimize": _FIT,
    "apply_gradients": _FIT,
    "get_last_lr": "run.history holds the learning rate of each epoch",
    "lr": "it is called learning_rate",
}

KEYWORDS: dict[str, str] = {
    "lr": "it is called learning_rate",
    "betas": "give beta1 and beta2",
    "beta_1": "it is called beta1",
    "beta_2": "it is called beta2",
    "eps": "it is called epsilon",
    "momentum": "of optim.SGD and optim.RMSprop; in optim.Adam and its like it is beta1",
    "weight_decay": "use optim.AdamW(weight_decay=…), or optim.Regularised(optimizer, l2=…)",
    "nesterov": "of optim.SGD; of Adam it is optim.NAdam",
    "amsgrad": "use optim.AMSGrad()",
    "params": "leave the parameters out: pel.fit hands them over",
    "clipnorm": "use optim.Clip(optimizer, norm=…)",
    "clipvalue": "use optim.Clip(optimizer, value=…)",
    "in_features": f"leave it out: {_INFERRED}",
    "out_features": "it is called features",
    "in_channels": f"leave it out: {_INFERRED}",
    "out_channels": "it is called features",
    "filters": "it is called features",
    "input_size": f"leave it out: {_INFERRED}",
    "input_dim": f"leave it out: {_INFERRED}",
    "input_shape": f"leave it out: {_INFERRED}",
    "num_features": f"leave it out: {_INFERRED}",
    "num_channels": f"leave it out: {_INFERRED}",
    "normalized_shape": f"leave it out: {_INFERRED}",
    "embed_dim": f"leave it out: {_INFERRED}",
    "d_model": f"leave it out: {_INFERRED}",
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
    "device": _DEVICE,
    "inplace": "leave it out: tensors do not change",
    "affine": "leave it out: there always are γ and β",
    "step_size": "it is called every",
    "gamma": "it is called by",
    "milestones": "it is called at",
    "factor": "it is called by",
    "T_max": "leave it out: the schedule takes all epochs of pel.fit",
}

FIT: dict[str, str] = {
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
    "device": _DEVICE,
    "random_state": "it is called seed",
    "num_workers": _DEVICE,
    "dataloader": "give the arrays: pel.fit(net, (X, y), batch_size=…)",
}

PARAMETERS_FIRST = (
    "the parameters are left out, since pel.fit hands them over: optimizer=optim.Adam(0.001)"
)


def missing(owner: str, name: str, table: Mapping[str, str], otherwise: str = "") -> AttributeError:
    """The error that `owner` has no attribute `name`, with a hint if there is one."""
    hint = f"; {table[name]}" if name in table else otherwise
    return AttributeError(f"{owner} has no attribute {name!r}{hint}")


class Hinted:
    """A class whose constructor has a hint for the keywords of `KEYWORDS` that it does not take."""

    __slots__ = ()

    if not TYPE_CHECKING:

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            """The object, unless a keyword is one that other libraries have."""
            if kwargs.keys() & KEYWORDS.keys():
                _refuse(cls.__init__, cls.__name__, kwargs, KEYWORDS)
            return super().__new__(cls)


def explained(call: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function, with hints for the keywords of `FIT` that it does not take."""

    @wraps(call)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        _refuse(call, call.__name__, kwargs, FIT)
        return call(*args, **kwargs)

    return wrapped


def _refuse(
    call: Callable[..., Any], name: str, given: Mapping[str, Any], table: Mapping[str, str]
) -> None:
    parameters = inspect.signature(call).parameters
    if any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
        return
    for keyword in given:
        if keyword not in parameters and keyword in table:
            raise TypeError(f"{name} takes no {keyword!r}: {table[keyword]}")
