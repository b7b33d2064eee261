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
        for field, value in _system_calls(self._address).items():
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
atexit.register(_teams.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_teams.forget)


def team_of(threads: int) -> Team:
    """The process's team of so many threads."""
    return _teams.of(threads)


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


def _system_calls(memory: int) -> dict[int, int]:
    """Functions that the machine code calls to sleep: futex where there is one, else of a lock.

    memory: the team's, in which the lock and its condition are made ready.
    """
    if sys.platform == "win32":
        # Zeroed memory is a lock that is free, and a condition.
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
