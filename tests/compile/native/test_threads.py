"""Teams of threads: forks, exits, interrupts, several teams at once, more threads than processors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile.native import thread_count
from pellucid.compile.native.isa import isa_named
from pellucid.compile.native.thread_count import choose_threads, set_threads
from pellucid.compile.native.threads import (
    available_processors,
    team_of,
)
from pellucid.compile.program import NativeProgram
from pellucid.graph import Graph

ROOT = Path(__file__).parents[3]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def program(threads: int, scale: float = 1.0) -> NativeProgram:
    """Products of about a millisecond a step, with a state that changes in every step."""
    rng = np.random.default_rng(0)
    w = g.variable((rng.standard_normal((192, 192)) / 14).astype(np.float32), "w")
    x = g.tensor((scale * rng.standard_normal((256, 192))).astype(np.float32))
    y = (x @ w).tanh()
    gradient = x.T @ y / 256
    state = w.node.attrs["state"]
    return NativeProgram(Graph({"y": y.sum().node}, {state: (w - 0.01 * gradient).node}), threads)


def sums(made: NativeProgram, steps: int = 20) -> bytes:
    return made.run(steps)["y"].tobytes()


@pytest.fixture
def usual(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The number of threads is not set."""
    monkeypatch.delenv("PELLUCID_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    yield monkeypatch
    set_threads(None)


def test_many_more_threads_than_processors() -> None:
    alone = sums(program(1))
    assert sums(program(4 * available_processors() + 3)) == alone
    assert sums(program(64), 20) == alone


def test_teams_are_kept_and_ended() -> None:
    assert team_of(5) is team_of(5)
    team_of(5).stop()
    before = threading.active_count()
    made = program(5)
    assert threading.active_count() == before
    sums(made)
    assert threading.active_count() == before + 4
    team_of(5).stop()
    team_of(5).stop()
    assert threading.active_count() == before


def test_a_team_that_was_ended_begins_again() -> None:
    made = program(6)
    right = sums(program(1), 5)
    for _ in range(3):
        team_of(6).stop()
        assert sums(program(6), 5) == right
    assert np.isfinite(made.run(2)["y"]).all()


def test_several_threads_of_python_run_programs_at_once() -> None:
    """Each thread runs programs of its own, with and without a shared team, and one shared program."""
    alone = {scale: sums(program(1, scale)) for scale in (1.0, 2.0, 3.0)}
    shared = program(2)
    state = shared.graph.states[0]
    before = state.value.copy()
    still = NativeProgram(Graph({"y": shared.graph.outputs["y"]}), 2)
    wanted = still.run(1)["y"].tobytes()
    wrong: list[object] = []

    def work(threads: int, scale: float) -> None:
        for _ in range(4):
            if sums(program(threads, scale)) != alone[scale]:
                wrong.append((threads, scale))
            if still.run(1)["y"].tobytes() != wanted:
                wrong.append("shared")

    workers = [
        threading.Thread(target=work, args=(threads, scale))
        for threads in (1, 2, 3)
        for scale in alone
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
    assert np.array_equal(state.value, before)


def in_child(work: str) -> int:
    """Fork, run one of the functions below, and return the exit code (99: it hangs)."""
    child = os.fork()
    if not child:
        code = 1
        try:
            code = globals()[work]()
        finally:
            os._exit(code)
    for _ in range(400):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 99


SAVED: dict[str, object] = {}


def child_runs() -> int:
    made = SAVED["program"]
    assert isinstance(made, NativeProgram)
    fresh = sums(program(2)) == SAVED["right"] == sums(program(1))
    old = np.isfinite(made.run(3)["y"]).all()
    return 0 if fresh and old else 3


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_that_is_forked_between_runs() -> None:
    SAVED["right"] = sums(program(1))
    SAVED["program"] = program(2)
    sums(program(2))
    assert in_child("child_runs") == 0
    assert sums(program(2)) == SAVED["right"]


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_child_that_is_forked_during_a_run(threads: int) -> None:
    """Another thread of the parent holds the locks and is in the code at that moment."""
    SAVED["right"] = sums(program(1))
    made = program(threads)
    SAVED["program"] = made
    stop = threading.Event()

    def keep_running() -> None:
        while not stop.is_set():
            made.run(50)

    worker = threading.Thread(target=keep_running)
    worker.start()
    try:
        for _ in range(5):
            assert in_child("child_runs") == 0
    finally:
        stop.set()
        worker.join()
    assert sums(program(threads)) == SAVED["right"]


def script(text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.mark.parametrize(
    "ending",
    [
        "pass",
        "sys.exit(0)",
        "threading.Thread(target=lambda: made.run(300), daemon=True).start()",
        "threading.Thread(target=lambda: made.run(10_000), daemon=True).start()",
        "threading.Thread(target=lambda: made.run(300)).start()",
        "del made; gc.collect()",
    ],
)
def test_the_interpreter_exits(ending: str) -> None:
    """Silently, even while a thread is in a run, or if a run starts at exit."""
    result = script(
        "import sys, threading, atexit, gc\n"
        # From Python 3.12 on no thread can be started so late.
        "if sys.version_info < (3, 12): atexit.register(lambda: 'made' in globals() and made.run(2))\n"
        "from tests.compile.native.test_threads import program\n"
        f"made = program(3); made.run(5)\n{ending}\n"
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_an_interrupt_comes_after_the_run_and_leaves_everything_usable() -> None:
    result = script(
        "import os, signal, threading\n"
        "from tests.compile.native.test_threads import program, sums\n"
        "right = sums(program(1))\n"
        "made = program(2)\n"
        "interrupts = 0\n"
        "for delay in range(30):\n"
        "    timer = threading.Timer(delay / 3000, os.kill, (os.getpid(), signal.SIGINT))\n"
        "    try:\n"
        "        timer.start()\n"
        "        while True: made.run(3)\n"
        "    except KeyboardInterrupt:\n"
        "        interrupts += 1\n"
        "    timer.join()\n"
        "assert sums(program(2)) == right\n"
        "print(interrupts)\n"
    )
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "30", "")


@pytest.mark.parametrize("trouble", [RuntimeError("can't start new thread"), KeyboardInterrupt()])
def test_a_team_that_cannot_start(monkeypatch: pytest.MonkeyPatch, trouble: BaseException) -> None:
    """Threads that had started end, and keep their memory until then; the next job starts new ones."""
    start = threading.Thread.start
    team_of(7).stop()
    made = program(7)
    started: list[threading.Thread] = []

    def limited(self: threading.Thread) -> None:
        if len(started) == 2:
            raise trouble
        started.append(self)
        start(self)

    said = "gives this process 3 threads for a program and no more: choose fewer"
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", limited)
        with pytest.raises(type(trouble), match=said if trouble.args else None):
            made.run(1)
    for thread in started:
        thread.join(timeout=20)
        assert not thread.is_alive()
    assert sums(made) == sums(program(1))


def test_how_many_threads(usual: pytest.MonkeyPatch) -> None:
    usual.setattr(thread_count, "available_processors", lambda: 4)
    usual.setattr(thread_count, "host_isa", lambda: isa_named("avx2"))
    work = [0, 1e4, 1e6, 1.2e7, 1e12]

    def chosen(each: float, tasks: int = 64) -> int:
        return choose_threads([(each / 20, tasks)] * 20, 20)

    usual.setattr(thread_count, "barrier_seconds", lambda: 2e-6)
    assert [chosen(w) for w in work] == [1, 1, 1, 4, 4]
    assert [chosen(w, 1) for w in work] == [1] * 5
    usual.setattr(thread_count, "barrier_seconds", lambda: 8e-6)
    assert [chosen(w) for w in work] == [1, 1, 1, 2, 4]
    usual.setattr(thread_count, "barrier_seconds", lambda: 1.0)  # measured while others were busy
    assert [chosen(w) for w in work] == [1, 1, 1, 1, 4]
    usual.setattr(thread_count, "barrier_seconds", lambda: 1 / 0)  # is not asked for
    assert chosen(0) == 1 and chosen(1e12) == 4
    usual.setenv("PELLUCID_THREADS", "3")
    assert [chosen(w) for w in work] == [3] * 5
    set_threads(2)
    assert chosen(1e12) == 2 and program(1).threads == 1
    set_threads(None)
    for nonsense in ("", "0", "-1", "many", "2.5"):
        usual.setenv("PELLUCID_THREADS", nonsense)
        assert chosen(1e12) == 4
    for wrong in (0, -1, 2.5, "2"):
        with pytest.raises(ValueError, match="threads is at least 1, or None"):
            set_threads(wrong)  # type: ignore[arg-type]


def test_a_share_of_the_processors(usual: pytest.MonkeyPatch) -> None:
    """OMP_NUM_THREADS limits the number, as joblib does for its processes; an explicit number wins."""
    usual.setattr(thread_count, "available_processors", lambda: 8)
    for text, threads in (("2", 2), ("16", 8), ("3,2", 3), (" 4 ", 4), ("0", 8), ("", 8), ("x", 8)):
        usual.setenv("OMP_NUM_THREADS", text)
        assert choose_threads([(1e12, 64)], 1) == threads, text
        assert choose_threads([(1e3, 64)], 1) == 1
    usual.setenv("OMP_NUM_THREADS", "2")
    usual.setenv("PELLUCID_THREADS", "5")
    assert choose_threads([(1e12, 64)], 1) == 5
    set_threads(6)
    assert choose_threads([(1e12, 64)], 1) == 6


def test_processes_of_joblib_share_the_processors(usual: pytest.MonkeyPatch) -> None:
    joblib = pytest.importorskip("joblib")
    usual.setenv("LOKY_MAX_CPU_COUNT", "2")
    with joblib.parallel_config("loky", n_jobs=2):
        counts = joblib.Parallel()(
            joblib.delayed(choose_threads)([(1e12, 64)], 1) for _ in range(4)
        )
    assert counts == [1] * 4


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="there is no affinity here")
def test_processors_by_affinity() -> None:
    mine = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(mine)})
        assert available_processors() == 1
    finally:
        os.sched_setaffinity(0, mine)
    assert 1 <= available_processors() <= len(mine)


def test_waiting_threads_sleep() -> None:
    """Threads of an idle team use no processor time."""
    if not Path("/proc/self/task").exists():
        pytest.skip("there is no /proc here")
    sums(program(3))
    time.sleep(0.05)
    before = ticks()
    time.sleep(0.3)
    after = ticks()
    assert sum(after[task] - used for task, used in before.items() if task in after) <= 5


def ticks() -> dict[str, int]:
    """The processor time of each other thread of this process, in hundredths of a second."""
    used = {}
    for task in Path("/proc/self/task").iterdir():
        if int(task.name) != threading.get_native_id():
            row = (task / "stat").read_text().rsplit(")", 1)[1].split()
            used[task.name] = int(row[11]) + int(row[12])
    return used


WITHOUT_FUTEX = """
import ctypes, threading, time
from pellucid.compile.native import threads, threads_ir
threads_ir.futex_number = lambda isa: None
from tests.compile.native.test_threads import program, sums
right = sums(program(1))
for spins in (threads.SPINS, 0, 1):
    threads.SPINS = spins
    for size in (2, 3, 7):
        threads.team_of(size).stop()
        made = [program(size) for _ in range(4)]
        assert [sums(each) for each in made] == [right] * 4
        runners = [threading.Thread(target=each.run, args=(30,)) for each in made]
        for runner in runners: runner.start()
        for runner in runners: runner.join()
threads.team_of(2).stop()
threads.SPINS = 4_000
sums(program(2)), sums(program(3))
workers = threads.team_of(3)._workers
assert not ctypes.c_int64.from_address(workers._address + threads_ir.SYSCALL).value
time.sleep(0.1)
began, used = time.monotonic(), time.process_time()
while time.monotonic() - began < 1.0:
    time.sleep(0.1)
print((time.process_time() - used) / (time.monotonic() - began))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="threads of POSIX are elsewhere")
def test_waiting_threads_sleep_where_there_is_no_futex() -> None:
    """A spinning thread would use all the time of a processor, or all that others leave."""
    result = script(WITHOUT_FUTEX)
    assert (result.returncode, result.stderr) == (0, "")
    assert float(result.stdout) < 0.05
