"""Forks while other threads are busy: the child builds, compiles and runs, and its results are right."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile import forks
from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.program import NativeProgram
from pellucid.graph import Graph

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
ROOT = Path(__file__).parents[3]
FORKS = 60
_PATIENCE = 100.0  # seconds


def compiled(number: float, threads: int, cache: ObjectCache | None = None) -> NativeProgram:
    """A product and elementwise functions; each number gives a program of its own."""
    x = g.variable(np.linspace(-1, 1, 64 * 32, dtype=np.float32).reshape(64, 32), "x")
    y = (x.T @ x).tanh() * number + (x * number).exp().sum(0)
    return NativeProgram(Graph({"y": y.sum().node}), threads, cache)


def right(number: float, threads: int, cache: ObjectCache | None = None) -> bool:
    """Build, compile and run, and compare with NumPy."""
    result = float(compiled(number, threads, cache).run(1)["y"][0])
    x = np.linspace(-1, 1, 64 * 32, dtype=np.float32).reshape(64, 32).astype(np.float64)
    wanted = (np.tanh(x.T @ x) * number + np.exp(x * number).sum(0)).sum()
    return bool(abs(result - wanted) <= 1e-4 * abs(wanted))


def in_child(work: Callable[[], bool]) -> int:
    """Fork a child; its exit code is 0 if `work` returns true."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        code = 0 if work() else 2
    finally:
        os._exit(code)


def outcome(child: int, until: float) -> int:
    """The exit code of a child, 99 if it hangs."""
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 99


def forked_during(
    busy: Sequence[Callable[[int], object]], work: Callable[[int], bool], forks: int
) -> list[int]:
    """The exit codes of children that are forked, six at a time, while threads are busy."""
    stop = threading.Event()

    def keep_on(what: Callable[[int], object], number: int) -> None:
        while not stop.is_set():
            number += 1
            what(number)

    threads = [
        threading.Thread(target=keep_on, args=(what, 1000 * i)) for i, what in enumerate(busy)
    ]
    for thread in threads:
        thread.start()
    outcomes = []
    try:
        for first in range(0, forks, 6):
            children = []
            for number in range(first, min(first + 6, forks)):
                children.append(in_child(lambda number=number: work(number)))  # type: ignore[misc]
                time.sleep(0.003)
            until = time.monotonic() + _PATIENCE
            outcomes += [outcome(child, until) for child in children]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return outcomes


def builds(number: int) -> None:
    x = g.variable(np.ones(3, np.float32), "x")
    for i in range(60):
        x = x * (number + i / 60) + 1.0
    assert len(Graph({"y": x.node}).nodes) > 60


def test_forks_while_threads_build_graph() -> None:
    def child(number: int) -> bool:
        builds(number)
        return True

    assert forked_during([builds] * 3, child, FORKS) == [0] * FORKS


def test_forks_while_threads_build_compile_and_run(tmp_path: Path) -> None:
    """Nothing comes from a cache, so LLVM is busy most of the time."""
    running = compiled(0.5, 2)
    made = iter(range(10**9))

    def compiles(number: int) -> None:
        assert right(number / 1e6, 1 + number % 2, ObjectCache(tmp_path / str(next(made))))

    def child(number: int) -> bool:
        cache = ObjectCache(tmp_path / f"child {number}")
        return right(0.1 + number / 1e3, 2, cache)

    busy = [builds, compiles, lambda number: running.run(200)]
    assert forked_during(busy, child, FORKS) == [0] * FORKS


def test_a_child_runs_what_another_thread_was_running() -> None:
    """Also from several threads of its own."""
    made = {threads: compiled(0.75, threads) for threads in (1, 2, 3)}
    wanted = made[1].run(1)["y"].tobytes()

    def child(number: int) -> bool:
        same: list[bool] = []

        def work(program: NativeProgram) -> None:
            same.extend(program.run(1)["y"].tobytes() == wanted for _ in range(5))

        workers = [threading.Thread(target=work, args=(p,)) for p in made.values() for _ in "ab"]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return len(same) == 30 and all(same)

    def keeps_running(program: NativeProgram) -> Callable[[int], object]:
        return lambda number: program.run(300)

    assert forked_during([keeps_running(p) for p in made.values()], child, 30) == [0] * 30


def test_a_child_of_a_child() -> None:
    def grandchild(number: int) -> bool:
        again = in_child(lambda: right(0.3, 2))
        return right(0.3, 2) and outcome(again, time.monotonic() + _PATIENCE) == 0

    assert forked_during([builds], grandchild, 3) == [0] * 3


FIRST = """
import os, sys, threading, time
import numpy as np
import pellucid as pel

def works(number):
    function = pel.compile(lambda x: (x * number).sum())
    return float(function(np.ones(5, np.float32))) == 5.0 * number

threads = [threading.Thread(target=works, args=(3,)), threading.Thread(target=lambda: pel.nn.Linear)]
for thread in threads:
    thread.start()
children = []
for number in range(8):
    time.sleep(float(sys.argv[1]))
    child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if works(4) and pel.nn.Linear and works(5) else 2
        finally:
            os._exit(code)
    children.append(child)
for thread in threads:
    thread.join()
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
assert codes == [0] * 8, codes
"""


@pytest.mark.parametrize("pause", [0.0, 0.01, 0.04])
def test_forks_while_the_compiler_is_imported(tmp_path: Path, pause: float) -> None:
    """A module that a thread of the parent was importing can be imported in the child."""
    process = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FIRST, str(pause)],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        cwd=ROOT,
        env={**os.environ, "PELLUCID_CACHE": str(tmp_path)},
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")


def test_the_lock_that_is_waited_for_is_that_of_llvm() -> None:
    """A fork waits while a thread is in LLVM, and no longer."""
    compiled(0.6, 1)
    lock = forks.llvm_lock()
    assert lock is not None
    forked = threading.Event()

    def fork() -> None:
        child = in_child(lambda: True)
        forked.set()
        os.waitpid(child, 0)

    worker = threading.Thread(target=fork)
    with lock:
        worker.start()
        assert not forked.wait(0.2)
    worker.join(timeout=20)
    assert forked.is_set()
    with forks.llvm_lock():
        pass


def test_hooks_without_llvm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llvmlite.binding.ffi", None)
    assert forks.llvm_lock() is None
    assert outcome(in_child(lambda: True), time.monotonic() + _PATIENCE) == 0
