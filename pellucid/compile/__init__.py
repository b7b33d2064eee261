"""From graphs to machine code: fuse, plan, loops, LLVM, run.

Nothing here is loaded before a graph is compiled, but for the choice of executor.
"""

from pellucid.compile.executor import Automatic, Native, work
from pellucid.compile.function import Compiled, compile

__all__ = ["Automatic", "Compiled", "Native", "compile", "work"]
