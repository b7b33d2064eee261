"""Errors where memory is short, and memory that is freed."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile.native.arena import ALIGN, ArenaError, aligned_zeros
from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.program import NativeProgram
from pellucid.graph import Graph

ROOT = Path(__file__).parents[3]
PAGES = Path("/proc/self/statm")


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 4097, 3_000_000])
def test_blocks_are_zeroed_and_aligned(size: int) -> None:
    block = aligned_zeros(size, "a test")
    assert len(block) == max(size, 1) and block.dtype == np.uint8
    assert block.ctypes.data % ALIGN == 0 and not block.any()


@pytest.mark.parametrize("size", [10**15, 2**62, 2**63 - 70, 2**63, 2**80])
def test_more_than_any_machine_has(size: int) -> None:
    with pytest.raises(ArenaError) as caught:
        aligned_zeros(size, "the values of a program")
    said = f"{size:,} bytes for the values of a program are more than there is; smaller batches"
    assert said in str(caught.value) and isinstance(caught.value, MemoryError)


def large() -> Graph:
    """A product that two sums read, along rows and along columns: it must lie in memory."""
    x = g.placeholder("x", (40_000, 3), np.float32)
    w = g.placeholder("w", (3, 40_000), np.float32)
    y = x @ w
    return Graph({"a": y.sum(0).node, "b": y.max(1).node, "c": (y @ y[:, :2]).node})


LIMITED = """
import resource
from pellucid.compile.native.arena import ArenaError
from pellucid.compile.program import NativeProgram
from tests.compile.native.test_memory import large
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
try:
    NativeProgram(large(), 1)
except ArenaError as error:
    print(error)
"""


def test_a_program_that_does_not_fit_says_what_it_needs() -> None:
    """In a process that may use 3 GB of addresses."""
    pytest.importorskip("resource")
    process = subprocess.run(
        [sys.executable, "-c", LIMITED], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert process.returncode == 0, process.stderr
    size = int(process.stdout.split(" ")[0].replace(",", ""))
    assert 40_000 * 40_000 * 4 <= size < 2 * 40_000 * 40_000 * 4
    assert "bytes for the values of a program are more than there is" in process.stdout


def test_memory_that_is_refused_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object) -> None:
        raise MemoryError

    x = g.variable(np.ones((64, 64), np.float32), "x")
    graph = Graph({"y": (x @ x).node})
    NativeProgram(graph, 1)
    monkeypatch.setattr(np, "zeros", refused)
    with pytest.raises(ArenaError, match=r"^[\d,]+ bytes for the values of a program are more"):
        NativeProgram(graph, 1)


def resident() -> int:
    """Resident bytes of this process."""
    return int(PAGES.read_text().split()[1]) * 4096


UNLOADING = """
import gc
import numpy as np
from pellucid import graph as g
from pellucid.compile.native.assemble import to_object
from pellucid.compile.native.isa import host_isa
from pellucid.compile.native.library import Library
from pellucid.compile.program import NativeProgram
from tests.compile.native.test_memory import resident

x = g.variable(np.ones((200, 70), np.float32), "x")
program = NativeProgram(g.Graph({"y": (x.T @ x).exp().sum(0).node}), 1)
image = to_object(program.code.text, host_isa())
for _ in range(200):
    Library(image, ("entry",))
gc.collect()
before = resident()
for _ in range(600):
    assert Library(image, ("entry",)).address("entry")
gc.collect()
print(resident() - before, len(image))
"""


@pytest.mark.skipif(not PAGES.exists(), reason="there is no /proc here")
def test_code_that_is_dropped_is_unloaded() -> None:
    """Six hundred times; what one leaves behind would add up to many megabytes.

    In a process of its own, whose memory nothing else changes.
    """
    process = subprocess.run(
        [sys.executable, "-c", UNLOADING], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert process.returncode == 0, process.stderr
    left, size = map(int, process.stdout.split())
    assert left < 600 * 2000 < 600 * size


def test_code_outlives_the_engine_that_linked_it() -> None:
    x = g.variable(np.arange(3, dtype=np.float32), "x")
    made = []
    for number in range(150):
        made.append(NativeProgram(Graph({"y": (x * float(number)).node}), 1))
        if number % 3:
            made.pop(number % len(made))
    gc.collect()
    for program in made:
        first, second, third = program.run(1)["y"][0]
        assert first == 0 and third == 2 * second and second == int(second)


@pytest.mark.skipif(not PAGES.exists(), reason="there is no /proc here")
def test_programs_that_are_dropped_give_their_memory_back(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path)
    x = g.variable(np.ones((1000, 1000), np.float32), "x")
    y = x * 2.0
    graph = Graph({"a": y.sum(0).node, "b": (y @ y).sum(1).node})

    def used() -> int:
        NativeProgram(graph, 2, cache).run(1)
        return NativeProgram(graph, 2, cache).code.plan.arena_bytes

    assert used() >= 4_000_000
    before = resident()
    for _ in range(25):
        used()
    assert resident() - before < 12_000_000
