"""Teams of threads that run one program together, each on its share of the tasks.

The calling thread is thread 0. The others wait for jobs in machine code, without the interpreter
lock. Teams live as long as the process; a forked child starts its own.
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
_STOP_TIMEOUT = 2.0  # seconds

_POSIX = {
    at.LOCK_CALL: "pthread_mutex_lock",
    at.UNLOCK_CALL: "pthread_mutex_unlock",
    at.SLEEP_CALL: "pthread_cond_wait",
    at.WAKE_CALL: "pthread_cond_broadcast",
}
_WINDOWS = {
    at.LOCK_CALL: "AcquireSRWLockExclusive",
    at.UNLOCK_CALL: "ReleaseSRWLockExclusive",
    at.SLEEP_CALL: "SleepConditionVariableSRW",
    at.WAKE_CALL: "WakeAllConditionVariable",
}

_Entry = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p
)
_Worker = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
_Call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Workers:
    """The threads of a team besides the caller's, and the memory in which they wait for jobs.

    Each thread keeps that memory alive, even if an interrupt ends the construction of the team.
    """

    def __init__(self, threads: int) -> None:
        library = _worker_library()
        self._lead = _Call(library.address("pel_lead"))
        self._end = _Call(library.address("pel_end"))
        self._work = _Worker(library.address("pel_worker"))
        self._memory = aligned_zeros(at.TEAM_BYTES, "a team of threads")
        self._set(at.THREADS, threads)
        # With fewer processors than threads, a spinning thread delays the thread it waits for.
        self._set(at.SPINS, SPINS if threads <= available_processors() else 0)
        for field, value in _system_calls(self._address).items():
            self._set(field, value)
        self._threads: list[threading.Thread] = []
        try:
            for number in range(1, threads):
                self._start(number)
        except BaseException:
            self._end(self._address)
            raise

    @property
    def _address(self) -> int:
        return int(self._memory.ctypes.data)

    def _start(self, number: int) -> None:
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
        """Run an entry on all threads; one foreign call starts and ends the job."""
        self._set(at.ENTRY, entry)
        self._set(at.TABLE, table)
        self._set(at.STEPS, steps)
        self._lead(self._address)

    def end(self) -> None:
        """End all threads between two jobs."""
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
        """Run an entry on all threads; returns when all have finished and left its code."""
        if self.threads == 1:
            _Entry(entry)(table, steps, 0, 1, None)
            return
        with self._lock:
            if self._workers is None:
                self._workers = Workers(self.threads)
            self._workers.run(entry, table, steps)

    def stop(self) -> None:
        """End the workers between two jobs; the next job starts new ones."""
        # At exit another thread may still run a long job, which ends with the process.
        if self._lock.acquire(timeout=_STOP_TIMEOUT):
            try:
                workers, self._workers = self._workers, None
                if workers is not None:
                    workers.end()
            finally:
                self._lock.release()


class _Teams:
    """The teams of this process, by number of threads."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Drop all teams, as a forked child must: their threads are its parent's."""
        self._lock = threading.Lock()
        self._teams: dict[int, Team] = {}

    def of(self, threads: int) -> Team:
        """The team of this number of threads."""
        with self._lock:
            if threads not in self._teams:
                self._teams[threads] = Team(threads)
            return self._teams[threads]

    def stop(self) -> None:
        """End all teams."""
        for team in self._teams.values():
            team.stop()


_teams = _Teams()
atexit.register(_teams.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_teams.reset)


def team_of(threads: int) -> Team:
    """The process's team of this number of threads."""
    return _teams.of(threads)


def available_processors() -> int:
    """The number of processors that this process may use, by its affinity and control group."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(min(count or 1, _quota()), 1)


@cache
def _quota() -> int:
    """The control group's limit, in whole processors."""
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


def _system_calls(memory: int) -> dict[int, int]:
    """System functions that the machine code calls to sleep, by the team's field that holds each.

    memory: the team's address, where the mutex and its condition are initialised.
    """
    if sys.platform == "win32":
        # Zeroed memory is an unlocked mutex, and a condition.
        return _addresses(ctypes.windll.kernel32, _WINDOWS)
    system = ctypes.CDLL(None)
    if sys.platform == "linux" and at.futex_number(host_isa()) is not None:
        return _addresses(system, {at.SYSCALL: "syscall"})
    system.pthread_mutex_init(ctypes.c_void_p(memory + at.LOCK), None)
    system.pthread_cond_init(ctypes.c_void_p(memory + at.CONDITION), None)
    return _addresses(system, _POSIX)


def _addresses(library: ctypes.CDLL, names: dict[int, str]) -> dict[int, int]:
    return {
        field: ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
        for field, name in names.items()
    }
