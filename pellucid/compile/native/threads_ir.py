"""The machine code by which a team of threads waits for barriers and jobs.

A team is a block of memory. Each field that one thread writes while another waits for it has a cache
line of its own. A wait spins briefly, since threads usually arrive at the same time, and then sleeps,
so idle threads cost nothing. It sleeps by futex on Linux, elsewhere on a mutex and a condition
variable of the system's library (POSIX threads, or slim locks on Windows).
"""

from __future__ import annotations

from pellucid.compile.native.isa import Isa

JOB, ARRIVED, GENERATION, DONE, SLEEPERS, FIELDS = 0, 64, 128, 192, 256, 320
"""Offsets: the job's number; threads at the barrier; how often it has opened; threads that have
finished the job; sleeping threads; the other fields."""
THREADS, SPINS, STOP, SYSCALL, ENTRY, TABLE, STEPS = range(FIELDS, FIELDS + 56, 8)
"""Offsets of 64-bit fields that change only between jobs."""
LOCK_CALL, UNLOCK_CALL, SLEEP_CALL, WAKE_CALL = range(384, 416, 8)
"""Functions of the system: lock and unlock a mutex, wait for a condition and wake all who wait."""
LOCK, CONDITION = 448, 576
"""Offsets of the mutex and the condition. No system needs more than 128 bytes for either."""
TEAM_BYTES = 704

_FUTEX = {"x86_64": 202, "aarch64": 98, "arm64": 98}
_WAIT, _WAKE = 128, 129  # private to the process


def barrier_text(isa: Isa) -> str:
    """`void pel_barrier(ptr team, i64 thread)`: returns when all threads of the team have called it.

    Without a team there is one thread, and the barrier returns at once.
    """
    return f"""
define internal void @pel_barrier(ptr %team, i64 %thread) {{
  %none = icmp eq ptr %team, null
  br i1 %none, label %done, label %arrive
arrive:
  %arrived = getelementptr i8, ptr %team, i64 {ARRIVED}
  %generation = getelementptr i8, ptr %team, i64 {GENERATION}
  %now = load atomic i32, ptr %generation acquire, align 4
  %threads.at = getelementptr i8, ptr %team, i64 {THREADS}
  %threads = load i64, ptr %threads.at, align 8
  %threads.32 = trunc i64 %threads to i32
  %before = atomicrmw add ptr %arrived, i32 1 acq_rel, align 4
  %count = add i32 %before, 1
  %last = icmp eq i32 %count, %threads.32
  br i1 %last, label %open, label %wait
open:
  store atomic i32 0, ptr %arrived monotonic, align 4
  call void @pel_signal(ptr %team, ptr %generation)
  br label %done
wait:
  call void @pel_await(ptr %team, ptr %generation, i32 %now)
  br label %done
done:
  ret void
}}
{_waiting_text(isa)}"""


def worker_text(isa: Isa) -> str:
    """`void pel_worker(ptr team, i64 thread)`, `void pel_lead(ptr team)`, `void pel_end(ptr team)`.

    A worker waits for jobs and runs them until the team stops. `pel_lead` runs a job with the workers
    and returns when all have left the program's code, which may then be unloaded. `pel_end` stops the
    team.
    """
    return f"""
define void @pel_end(ptr %team) {{
  %stop.at = getelementptr i8, ptr %team, i64 {STOP}
  store atomic i64 1, ptr %stop.at release, align 8
  call void @pel_signal(ptr %team, ptr %team)
  ret void
}}
define void @pel_lead(ptr %team) {{
start:
  %done.at = getelementptr i8, ptr %team, i64 {DONE}
  store atomic i32 0, ptr %done.at monotonic, align 4
  call void @pel_signal(ptr %team, ptr %team)
  %threads = call i64 @pel_job(ptr %team, i64 0)
  %threads.32 = trunc i64 %threads to i32
  %workers = sub i32 %threads.32, 1
  br label %look
look:
  %done = load atomic i32, ptr %done.at acquire, align 4
  %all = icmp eq i32 %done, %workers
  br i1 %all, label %end, label %wait
wait:
  call void @pel_await(ptr %team, ptr %done.at, i32 %done)
  br label %look
end:
  ret void
}}
define internal i64 @pel_job(ptr %team, i64 %thread) {{
  %entry.at = getelementptr i8, ptr %team, i64 {ENTRY}
  %entry = load ptr, ptr %entry.at, align 8
  %table.at = getelementptr i8, ptr %team, i64 {TABLE}
  %table = load ptr, ptr %table.at, align 8
  %steps.at = getelementptr i8, ptr %team, i64 {STEPS}
  %steps = load i64, ptr %steps.at, align 8
  %threads.at = getelementptr i8, ptr %team, i64 {THREADS}
  %threads = load i64, ptr %threads.at, align 8
  call void %entry(ptr %table, i64 %steps, i64 %thread, i64 %threads, ptr %team)
  ret i64 %threads
}}
define void @pel_worker(ptr %team, i64 %thread) {{
  br label %next
next:
  %seen = phi i32 [0, %0], [%job, %work]
  call void @pel_await(ptr %team, ptr %team, i32 %seen)
  %stop.at = getelementptr i8, ptr %team, i64 {STOP}
  %stop = load atomic i64, ptr %stop.at acquire, align 8
  %stops = icmp ne i64 %stop, 0
  br i1 %stops, label %end, label %work
work:
  %job = add i32 %seen, 1
  %threads = call i64 @pel_job(ptr %team, i64 %thread)
  %done.at = getelementptr i8, ptr %team, i64 {DONE}
  call void @pel_signal(ptr %team, ptr %done.at)
  br label %next
end:
  ret void
}}
{_waiting_text(isa)}"""


def futex_number(isa: Isa) -> int | None:
    """The number of Linux's futex system call on a processor, None where it is unknown."""
    return _FUTEX.get(isa.triple.split("-")[0])


def _waiting_text(isa: Isa) -> str:
    """`pel_await` waits until a counter changes. `pel_signal` increments it and wakes the sleepers.

    A sleeper is counted before it compares the counter, in the kernel or under the lock. The counter
    changes before the sleepers are counted. Both are sequentially consistent, so no wake-up is lost.
    The call that sleeps has the arguments of Windows; POSIX takes the first two.
    """
    number = futex_number(isa) or 0
    pause = isa.pause
    declared = (
        f"declare void {pause.removeprefix('call void ').replace('(i32 1)', '(i32)')}"
        if pause
        else ""
    )
    call = "%r = call i64 (i64, ...) %syscall"
    return f"""
define internal void @pel_signal(ptr %team, ptr %counter) noinline {{
  %old = atomicrmw add ptr %counter, i32 1 seq_cst, align 4
  %sleepers.at = getelementptr i8, ptr %team, i64 {SLEEPERS}
  %sleepers = load atomic i32, ptr %sleepers.at seq_cst, align 4
  %any = icmp ne i32 %sleepers, 0
  br i1 %any, label %wake, label %done
wake:
  %syscall.at = getelementptr i8, ptr %team, i64 {SYSCALL}
  %syscall = load ptr, ptr %syscall.at, align 8
  %has = icmp ne ptr %syscall, null
  br i1 %has, label %call, label %announce
call:
  {call}(i64 {number}, ptr %counter, i64 {_WAKE}, i64 2147483647, i64 0, i64 0, i64 0)
  br label %done
announce:
  call void @pel_lock(ptr %team, i64 {LOCK_CALL})
  %condition = getelementptr i8, ptr %team, i64 {CONDITION}
  %wake.at = getelementptr i8, ptr %team, i64 {WAKE_CALL}
  %wakes = load ptr, ptr %wake.at, align 8
  call void %wakes(ptr %condition)
  call void @pel_lock(ptr %team, i64 {UNLOCK_CALL})
  br label %done
done:
  ret void
}}
define internal void @pel_await(ptr %team, ptr %counter, i32 %was) noinline {{
start:
  %spins.at = getelementptr i8, ptr %team, i64 {SPINS}
  %spins = load i64, ptr %spins.at, align 8
  br label %spin
spin:
  %i = phi i64 [0, %start], [%i.next, %again]
  %now = load atomic i32, ptr %counter acquire, align 4
  %moved = icmp ne i32 %now, %was
  br i1 %moved, label %done, label %still
still:
  %over = icmp sge i64 %i, %spins
  br i1 %over, label %block, label %again
again:
  {pause}
  %i.next = add i64 %i, 1
  br label %spin
block:
  %sleepers.at = getelementptr i8, ptr %team, i64 {SLEEPERS}
  %syscall.at = getelementptr i8, ptr %team, i64 {SYSCALL}
  %syscall = load ptr, ptr %syscall.at, align 8
  %has = icmp ne ptr %syscall, null
  br i1 %has, label %futex, label %locked
futex:
  %a = atomicrmw add ptr %sleepers.at, i32 1 seq_cst, align 4
  {call}(i64 {number}, ptr %counter, i64 {_WAIT}, i32 %was, i64 0, i64 0, i64 0)
  %b = atomicrmw sub ptr %sleepers.at, i32 1 seq_cst, align 4
  %after = load atomic i32, ptr %counter acquire, align 4
  %woken = icmp ne i32 %after, %was
  br i1 %woken, label %done, label %futex
locked:
  %c = atomicrmw add ptr %sleepers.at, i32 1 seq_cst, align 4
  call void @pel_lock(ptr %team, i64 {LOCK_CALL})
  %lock = getelementptr i8, ptr %team, i64 {LOCK}
  %condition = getelementptr i8, ptr %team, i64 {CONDITION}
  %sleep.at = getelementptr i8, ptr %team, i64 {SLEEP_CALL}
  %sleeps = load ptr, ptr %sleep.at, align 8
  br label %check
check:
  %then = load atomic i32, ptr %counter seq_cst, align 4
  %ready = icmp ne i32 %then, %was
  br i1 %ready, label %unlock, label %suspend
suspend:
  call void %sleeps(ptr %condition, ptr %lock, i32 -1, i32 0)
  br label %check
unlock:
  call void @pel_lock(ptr %team, i64 {UNLOCK_CALL})
  %d = atomicrmw sub ptr %sleepers.at, i32 1 seq_cst, align 4
  br label %done
done:
  ret void
}}
define internal void @pel_lock(ptr %team, i64 %which) noinline {{
  %call.at = getelementptr i8, ptr %team, i64 %which
  %call = load ptr, ptr %call.at, align 8
  %lock = getelementptr i8, ptr %team, i64 {LOCK}
  call void %call(ptr %lock)
  ret void
}}
{declared}
"""
