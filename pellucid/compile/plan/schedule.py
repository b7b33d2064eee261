"""The order of kernels: which wait for which, and which may overwrite a state in place."""

from __future__ import annotations

from pellucid.compile.op_facts import has_buffer
from pellucid.compile.plan.kernels import Kernel, Member, waits_for
from pellucid.compile.shapes import squeezed
from pellucid.graph.node import Node, State

_LITTLE = 65_536


class Schedule:
    """What each kernel waits for.

    kernel_of: the kernel that computes each node. after: the kernels that each waits for, by `id`.
    readers: the kernels that read each state.
    """

    def __init__(self, kernels: list[Kernel]) -> None:
        self.kernels = kernels
        self.kernel_of = {node: k for k in kernels for node in k.nodes()}
        self.after: dict[int, set[int]] = {}
        self.by_id = {id(k): k for k in kernels}
        self.readers: dict[State, list[Kernel]] = {}
        for kernel in kernels:
            waits = {id(self.kernel_of[n]) for n in kernel.read_nodes() if n in self.kernel_of}
            self.after[id(kernel)] = waits - {id(kernel)}
            for member in kernel.members:
                for access in member.reads:
                    if access.node.op == "state":
                        self.readers.setdefault(access.node.attrs["state"], []).append(kernel)

    def may_overwrite(self, state: State, node: Node) -> bool:
        """Whether the kernel of `node` can write it over `state` when it computes it."""
        writer = self.kernel_of[node]
        member = writer.member(node)
        assert member is not None
        for reader in self.readers.get(state, []):
            if reader is writer:
                if not reads_in_place(writer, member, state):
                    return False
            elif waits_for(reader, writer, self.after):
                return False
        return True

    def overwrite(self, state: State, node: Node) -> None:
        """Let the kernel of `node` wait for the other readers of `state`."""
        writer = self.kernel_of[node]
        for reader in self.readers.get(state, []):
            if reader is not writer:
                self.after[id(writer)].add(id(reader))

    def levels(self) -> list[list[Kernel]]:
        """Each kernel one level after the last that it waits for."""
        depth = self._depths()
        count = max(depth.values(), default=-1) + 1
        waited_for = set().union(*self.after.values())
        for kernel in self.kernels:
            # What nobody waits for is pooled at the end, where threads share it best, if little
            # memory is occupied for it until then.
            if id(kernel) not in waited_for and _bytes_read(kernel) <= _LITTLE:
                depth[id(kernel)] = count - 1
        levels: list[list[Kernel]] = [[] for _ in range(count)]
        for kernel in self.kernels:
            levels[depth[id(kernel)]].append(kernel)
        return levels

    def _depths(self) -> dict[int, int]:
        """The earliest level of each kernel, by `id`; concatenations take none of their own."""
        depth: dict[int, int] = {}
        for start in self.kernels:
            pending = [id(start)]
            while pending:
                here = pending[-1]
                waiting = [k for k in self.after[here] if k not in depth]
                if waiting:
                    pending.extend(waiting)
                    continue
                pending.pop()
                before = max((depth[k] for k in self.after[here]), default=-1)
                depth[here] = before + (self.by_id[here].kind != "concatenation")
        return depth


def _bytes_read(kernel: Kernel) -> int:
    """Bytes of the program's own values that a kernel reads."""
    return sum(n.size * n.dtype.itemsize for n in kernel.read_nodes() if not has_buffer(n))


def reads_in_place(kernel: Kernel, writer: Member, state: State) -> bool:
    """Whether a kernel reads a state only at the element whose new value it writes in that iteration.

    All that an iteration reads is loaded before anything is stored, so the order of members is free. A
    product or a scatter reads the same elements of its operands in many iterations.
    """
    for number, member in enumerate(kernel.members):
        for access in member.reads:
            if access.node.op != "state" or access.node.attrs["state"] is not state:
                continue
            same = access.at == writer.at and squeezed(access.node.shape) == squeezed(
                writer.node.shape
            )
            again = not number and kernel.kind in ("contraction", "scatter")
            if again or not same or member.scope != writer.scope or member.phase > writer.phase:
                return False
    return True
