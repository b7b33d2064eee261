"""The machine code that runs several programs one after another, as one job of a team."""

from __future__ import annotations

from pellucid.compile.native.isa import Isa
from pellucid.compile.native.threads_ir import barrier_text


def turns_text(isa: Isa) -> str:
    """`void pel_turns(turns, count, thread, threads, team)`: has the parameters of a program's entry.

    turns: `count` triples of int64, addresses of an entry and of its table, and steps. Threads meet at a
    barrier after each, so that a program reads what the one before wrote.
    """
    return f"""
define void @pel_turns(ptr %turns, i64 %count, i64 %thread, i64 %threads, ptr %team) {{
start:
  br label %check
check:
  %i = phi i64 [0, %start], [%next, %run]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %run, label %done
run:
  %turn = getelementptr [3 x i64], ptr %turns, i64 %i
  %entry.at = getelementptr i64, ptr %turn, i64 0
  %entry = load ptr, ptr %entry.at, align 8
  %table.at = getelementptr i64, ptr %turn, i64 1
  %table = load ptr, ptr %table.at, align 8
  %steps.at = getelementptr i64, ptr %turn, i64 2
  %steps = load i64, ptr %steps.at, align 8
  call void %entry(ptr %table, i64 %steps, i64 %thread, i64 %threads, ptr %team)
  call void @pel_barrier(ptr %team, i64 %thread)
  %next = add i64 %i, 1
  br label %check
done:
  ret void
}}
{barrier_text(isa)}"""
