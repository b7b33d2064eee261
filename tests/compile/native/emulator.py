"""Runs the code of a graph for 64-bit ARM on an emulated processor (Unicorn, which is QEMU's)."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
import unicorn
from unicorn import arm64_const as arm

from pellucid.compile.code import Code
from pellucid.compile.emit.driver import ARENA, CLOCKS, FIRST_BUFFER, SCRATCH, TASKS
from pellucid.compile.emit.kernel import External
from pellucid.compile.native.assemble import to_object
from pellucid.compile.native.isa import isa_named
from pellucid.compile.plan.kernels import Target
from pellucid.compile.program import task_ranges
from pellucid.graph import Array, Graph, State
from tests.compile.native.elf import AARCH64, Object, Relocation

_BASE = 0x1000_0000
_PAGE = 4096
_STACK_BYTES = 1 << 20
_ADR_PAGE, _ADD_LOW, _PREL32 = 275, 277, 260
_LOAD_LOW = {278: 0, 284: 1, 285: 2, 286: 3, 299: 4}


class Memory:
    """The processor's memory, allocated from one end to the other."""

    def __init__(self, processor: unicorn.Uc) -> None:
        self._processor = processor
        self._next = _BASE

    def copy_in(self, content: bytes) -> int:
        """Copy bytes to pages of their own, with an unmapped page behind them."""
        address = self._next
        size = -(-max(len(content), 1) // _PAGE) * _PAGE
        self._processor.mem_map(address, size)
        self._processor.mem_write(address, content)
        self._next = address + size + _PAGE
        return address

    def read(self, address: int, like: Array) -> Array:
        """The array at an address."""
        content = bytes(self._processor.mem_read(address, like.nbytes)) if like.nbytes else b""
        return np.frombuffer(content, like.dtype).reshape(like.shape).copy()


class Emulated:
    """A graph as a program for NEON, on one thread."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.code = Code(graph, isa_named("neon"))
        self._object = Object(to_object(self.code.text, self.code.isa))
        assert self._object.machine == AARCH64 and not self._object.undefined

    def run(self, steps: int, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """As `NativeProgram.run`."""
        processor = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        floats_on = 3 << 20
        processor.reg_write(arm.UC_ARM64_REG_CPACR_EL1, floats_on)
        memory = Memory(processor)
        entry = _load(self._object, memory, processor)
        outputs = {
            name: np.zeros((steps, *node.shape), node.dtype)
            for name, node in self.graph.outputs.items()
        }
        arrays = {b: self._array(b, feeds, outputs) for b in self.code.slots}
        placed = {b: memory.copy_in(array.tobytes()) for b, array in arrays.items()}
        table = [0] * (FIRST_BUFFER + len(placed))
        table[ARENA] = memory.copy_in(bytes(self.code.plan.arena_bytes))
        table[SCRATCH] = memory.copy_in(bytes(self.code.scratch))
        table[TASKS] = memory.copy_in(task_ranges(self.code.levels, 1).tobytes())
        table[CLOCKS] = memory.copy_in(bytes(8 * len(self.code.levels)))
        for buffer, address in placed.items():
            table[self.code.slots[buffer]] = address
        arguments = (memory.copy_in(struct.pack(f"<{len(table)}Q", *table)), steps, 0, 1, 0)
        for number, value in enumerate(arguments):
            processor.reg_write(arm.UC_ARM64_REG_X0 + number, value)
        stack = memory.copy_in(bytes(_STACK_BYTES))
        processor.reg_write(arm.UC_ARM64_REG_SP, stack + _STACK_BYTES)
        end = memory.copy_in(bytes(4))
        processor.reg_write(arm.UC_ARM64_REG_LR, end)
        processor.emu_start(entry, end)
        for buffer, array in arrays.items():
            if isinstance(buffer, State):
                buffer.value = memory.read(placed[buffer], array)
            elif isinstance(buffer, Target):
                outputs[buffer.name] = memory.read(placed[buffer], array)
        return outputs

    @staticmethod
    def _array(buffer: External, feeds: Mapping[str, Array], outputs: dict[str, Array]) -> Array:
        if isinstance(buffer, State):
            return buffer.value
        if isinstance(buffer, Target):
            return outputs[buffer.name]
        if buffer.op == "input":
            return feeds[buffer.attrs["name"]]
        constant: Array = buffer.attrs["value"].array
        return constant


def _load(file: Object, memory: Memory, processor: unicorn.Uc) -> int:
    """Copy the sections into memory and apply relocations; returns the address of the entry."""
    bases = {i: memory.copy_in(s.content) for i, s in enumerate(file.sections) if s.loaded}
    for relocation in file.relocations:
        if relocation.section in bases and relocation.kind != _PREL32:
            at = bases[relocation.section] + relocation.offset
            target = bases[relocation.symbol.section] + relocation.symbol.value + relocation.addend
            (word,) = struct.unpack("<I", processor.mem_read(at, 4))
            processor.mem_write(at, struct.pack("<I", _filled(word, relocation, at, target)))
    (entry,) = [symbol for symbol in file.symbols if symbol.name == "entry"]
    return bases[entry.section] + entry.value


def _filled(word: int, relocation: Relocation, at: int, target: int) -> int:
    """An instruction after its relocation (ELF for the Arm 64-bit architecture, 5.7)."""
    low = target % _PAGE
    if relocation.kind == _ADR_PAGE:
        pages = target // _PAGE - at // _PAGE
        return word | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5
    if relocation.kind == _ADD_LOW:
        return word | low << 10
    return word | low >> _LOAD_LOW[relocation.kind] << 10
