"""Teams of threads that run one program together, each on its own slice.

The calling thread is thread 0; the others wait in machine code, without Python's lock, until there
is work. Teams are kept for the life of the process; a forked child starts its own.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import threading
from functools import cache

from pellucid.compile.native import threads_ir as at
from pellucid.compile.native.arena import aligned_zeros
from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.native.isa import host_isa
from pellucid.compile.native.library import Library, Text, load

SPINS = 4_000
_PATIENCE = 2.0  # seconds
WORK_A_THREAD = 1_000_000
"""Multiply-adds (or so) a step from which another thread is worth its waiting."""

_Entry = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p
)
_Worker = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
_Call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Workers:
    """All threads of a team but the caller's, and the memory in which they wait for jobs.

    Each holds on to that memory as long as it runs, even if an interrupt ends the making of a team.
    """

    def __init__(self, threads: int) -> None:
        library = _worker_library()
        self._lead = _Call(library.address("pel_lead"))
        self._end = _Call(library.address("pel_end"))
        self._work = _Worker(library.address("pel_worker"))
        self._memory = aligned_zeros(at.TEAM_BYTES, "a team of threads")
        self._set(at.THREADS, threads)
        # With fewer processors than threads a spinning thread only holds up the one it waits for.
        self._set(at.SPINS, SPINS if threads <= available_processors() else 0)
        for field, value in _system_calls().items():
            self._set(field, value)
        self._threads: list[threading.Thread] = []
        try:
            for number in range(1, threads):
                self._begin(number)
        except BaseException:
            self._end(self._address)
            raise

    @property
    def _address(self) -> int:
        return int(self._memory.ctypes.data)

    def _begin(self, number: int) -> None:
        thread = threading.Thread(
            target=self._wait_for_jobs, args=(number,), name=f"pellucid-{number}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            raise RuntimeError(
                f"the system gives this process {number} threads for a program and no more: "
                "choose fewer with PELLUCID_THREADS or set_threads"
            ) from error
        self._threads.append(thread)

    def _wait_for_jobs(self, number: int) -> None:
        self._work(self._address, number)

    def run(self, entry: int, table: int, steps: int) -> None:
        """Run an entry with the calling thread; one foreign call begins and ends the job."""
        self._set(at.ENTRY, entry)
        self._set(at.TABLE, table)
        self._set(at.STEPS, steps)
        self._lead(self._address)

    def end(self) -> None:
        """End all threads; there is no job."""
        self._end(self._address)
        for thread in self._threads:
            thread.join()

    def _set(self, field: int, value: int) -> None:
        ctypes.c_int64.from_address(self._address + field).value = value


class Team:
    """A number of threads: the caller's and, from the first job on, workers."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._lock = threading.Lock()
        self._workers: Workers | None = None

    def run(self, entry: int, table: int, steps: int) -> None:
        """Run an entry on all threads; returns when all are done and none is in its code."""
        if self.threads == 1:
            _Entry(entry)(table, steps, 0, 1, None)
            return
        with self._lock:
            if self._workers is None:
                self._workers = Workers(self.threads)
            self._workers.run(entry, table, steps)

    def stop(self) -> None:
        """End the workers, between two jobs; another job has new ones."""
        # At exit another thread may still be in a job that takes long; it ends with the process.
        if self._lock.acquire(timeout=_PATIENCE):
            try:
                workers, self._workers = self._workers, None
                if workers is not None:
                    workers.end()
            finally:
                self._lock.release()


class _Teams:
    """The teams of this process, by number of threads."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, as a forked child must: the threads are its parent's."""
        self._lock = threading.Lock()
        self._teams: dict[int, Team] = {}

    def of(self, threads: int) -> Team:
        """The team of so many threads."""
        with self._lock:
            if threads not in self._teams:
                self._teams[threads] = Team(threads)
            return self._teams[threads]

    def stop(self) -> None:
        """End all teams."""
        for team in self._teams.values():
            team.stop()


_teams = _Teams()
_chosen: list[int] = []
atexit.register(_teams.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_teams.forget)


def team_of(threads: int) -> Team:
    """The process's team of so many threads."""
    return _teams.of(threads)


def set_threads(threads: int | None) -> None:
    """Use this many threads for every program built from now on; None: choose by its work."""
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise ValueError(f"threads is at least 1, or None, got {threads!r}")
    _chosen[:] = [] if threads is None else [threads]


def choose_threads(work: float) -> int:
    """How many threads a program of so much work a step gets.

    What `set_threads` or PELLUCID_THREADS says; else one for each million of multiply-adds, up to
    the processors that this process may use and to OMP_NUM_THREADS, by which joblib and schedulers
    share a machine among processes.
    """
    asked = _chosen[0] if _chosen else _number_in("PELLUCID_THREADS")
    if asked is not None:
        return asked
    most = min(available_processors(), _number_in("OMP_NUM_THREADS") or sys.maxsize)
    return max(1, min(most, int(work / WORK_A_THREAD)))


def _number_in(variable: str) -> int | None:
    """The number of at least 1 in a variable of the environment, the first of several (OpenMP)."""
    text = os.environ.get(variable, "").partition(",")[0].strip()
    return int(text) if text.isdecimal() and int(text) > 0 else None


def available_processors() -> int:
    """Processors that this process may use, by its affinity and its control group."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(min(count or 1, _quota()), 1)


@cache
def _quota() -> int:
    """The control group's limit in whole processors."""
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:  # noqa: PTH123
            most, period = file.read().split()
        return sys.maxsize if most == "max" else max(int(most) // int(period), 1)
    except (OSError, ValueError):
        return sys.maxsize


@cache
def _worker_library() -> Library:
    isa = host_isa()
    return load(
        Text(at.worker_text(isa), isa), ("pel_worker", "pel_lead", "pel_end"), ObjectCache()
    )[0]


def _system_calls() -> dict[int, int]:
    """Addresses that the machine code calls to sleep: futex where there is one, else yielding."""
    if sys.platform == "win32":
        yields = ctypes.cast(ctypes.windll.kernel32.SwitchToThread, ctypes.c_void_p).value
        return {at.YIELD: yields or 0}
    system = ctypes.CDLL(None)
    yields = ctypes.cast(system.sched_yield, ctypes.c_void_p).value
    found = {at.YIELD: yields or 0}
    if sys.platform == "linux":
        found[at.SYSCALL] = ctypes.cast(system.syscall, ctypes.c_void_p).value or 0
    return found
