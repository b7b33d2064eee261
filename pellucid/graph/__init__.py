"""A network as a graph: immutable nodes, the op table, gradients, and the NumPy reference.

Imports NumPy and nothing else.
"""

from pellucid.graph import ops
from pellucid.graph.build import (
    arange,
    bernoulli,
    concatenate,
    full,
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
    uniform,
    variable,
    where,
    zeros,
)
from pellucid.graph.execute import Reference, evaluate, executor, using
from pellucid.graph.gradient import grad, zeros_like
from pellucid.graph.node import Literal, Node, State, apply, ordered
from pellucid.graph.op import TABLE, Array, Op, Shape, TensorType, declare
from pellucid.graph.origin import origin
from pellucid.graph.program import Executor, Graph, Program, verify
from pellucid.graph.tensor import Tensor, tensor
from pellucid.graph.trace import Trace, TraceRow, trace
from pellucid.graph.windows import convolve, convolve_transposed, windows

__all__ = [
    "TABLE",
    "Array",
    "Executor",
    "Graph",
    "Literal",
    "Node",
    "Op",
    "Program",
    "Reference",
    "Shape",
    "State",
    "Tensor",
    "TensorType",
    "Trace",
    "TraceRow",
    "apply",
    "arange",
    "bernoulli",
    "concatenate",
    "convolve",
    "convolve_transposed",
    "declare",
    "evaluate",
    "executor",
    "full",
    "grad",
    "iota",
    "log_softmax",
    "logsumexp",
    "matmul",
    "maximum",
    "minimum",
    "normal",
    "one_hot",
    "ones",
    "ops",
    "ordered",
    "origin",
    "placeholder",
    "read",
    "softmax",
    "stack",
    "tensor",
    "trace",
    "uniform",
    "using",
    "variable",
    "verify",
    "where",
    "windows",
    "zeros",
    "zeros_like",
]
