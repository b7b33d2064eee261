"""From graphs to machine code: fuse, plan, loops, LLVM, run. Called, it compiles a function.

Nothing here is loaded before a graph is compiled, but for the choice of executor.
"""

import sys
from collections.abc import Callable
from types import ModuleType

from pellucid.compile.executor import Automatic, Native, work
from pellucid.compile.forks import register
from pellucid.compile.function import Compiled, Result, compile
from pellucid.compile.lowering import declare_lowering, emit_op
from pellucid.compile.op_check import check_op

__all__ = [
    "Automatic",
    "Compiled",
    "Native",
    "check_op",
    "compile",
    "declare_lowering",
    "emit_op",
    "work",
]


class _Package(ModuleType):
    """This package: `pellucid.compile` is a function for users, and where the compiler's modules are."""

    def __call__(self, function: Callable[..., Result]) -> Compiled:
        """Make a function of tensors run as machine code."""
        return compile(function)


register()
_Package.__call__.__doc__ = compile.__doc__
sys.modules[__name__].__class__ = _Package
