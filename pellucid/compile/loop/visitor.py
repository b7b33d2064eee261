"""Traversal of loop IR."""

from __future__ import annotations

from abc import ABC, abstractmethod

from pellucid.compile.loop.ir import Block, If, Instruction, Loop


class Visitor(ABC):
    """Visits the items of a block in order. Loops and branches visit their own bodies."""

    def visit(self, block: Block) -> None:
        """Visit every item of a block."""
        for item in block.items:
            if isinstance(item, Instruction):
                self.visit_instruction(item)
            elif isinstance(item, Loop):
                self.visit_loop(item)
            else:
                self.visit_if(item)

    @abstractmethod
    def visit_instruction(self, item: Instruction) -> None:
        """One instruction."""

    @abstractmethod
    def visit_loop(self, loop: Loop) -> None:
        """A loop, with its body."""

    @abstractmethod
    def visit_if(self, branch: If) -> None:
        """A branch, with its body."""
