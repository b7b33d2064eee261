"""From graphs to machine code: fuse, plan, loops, LLVM, run.

Nothing here is loaded before a graph is compiled, but for the choice of executor.
"""

from pellucid.compile.executor import Automatic, Native, work

__all__ = ["Automatic", "Native", "work"]
