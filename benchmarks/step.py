"""Microseconds of a training step beside PyTorch, JAX and scikit-learn: `python -m benchmarks.step`.

Every library builds the same network from the same weights and trains it with Adam on the same rows;
first the losses are compared, then all are timed in turns in one run. Peers are installed by
`make peers`; one that is absent is left out and named. `--costs` measures what is around the steps:
imports, first steps, compiling, memory, disk. `--before CHECKOUT` has Pellucid of another checkout, as
`git worktree add` makes it of an earlier commit, take its turns in the same run. `--json` prints one
JSON document and nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.steps import costs, timing
from benchmarks.steps.workloads import WORKLOADS, Workload

PEERS = ("torch", "jax", "sklearn")


def main() -> int:
    """Measure what is asked for; exit code 1 if any losses differ."""
    chosen = arguments()
    contenders = timing.contenders(chosen.peers, chosen.threads, chosen.compile, chosen.before)
    taking_part = [c for c in contenders if not c.absent]
    absent = {contender.library: contender.absent for contender in contenders if contender.absent}
    for library, reason in absent.items():
        say(chosen, f"{library} is left out: {reason} (see make peers)")
    names = list(chosen.workload or WORKLOADS)
    rows: list[dict[str, object]] = []
    differ = False
    try:
        for name in names:
            work = WORKLOADS[name]
            said = timing.compare(work, taking_part)
            differ |= any("DIFFERENT" in line for line in said)
            timing.measure(work, taking_part, chosen.rounds)
            rows.append(summary(work, taking_part, said, chosen.threads))
            say(chosen, "\n".join(page(rows[-1])))
    finally:
        for contender in contenders:
            contender.close()
    document: dict[str, object] = {
        "threads": chosen.threads,
        "absent": absent,
        "workloads": rows,
    }
    if chosen.costs:
        spent = costs.measured(chosen.peers, names, chosen.threads)
        tables = aligned(costs.compile_table(spent)), aligned(costs.table(spent))
        say(chosen, "\n".join(["", *tables[0], "", *tables[1]]))
        document["costs"] = spent
    if chosen.json:
        print(json.dumps(document))
    return int(differ)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workload", nargs="*", choices=list(WORKLOADS), default=[])
    parser.add_argument("--peers", type=peers, default=list(PEERS), help="of " + ",".join(PEERS))
    parser.add_argument("--before", type=Path, help="a checkout of an earlier commit")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--compile", action="store_true", help="torch.compile too: minutes")
    parser.add_argument("--costs", action="store_true", help="imports, compiling, memory, disk too")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def peers(text: str) -> list[str]:
    """Names with commas between them; wrong usage if there is none of that name."""
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in PEERS:
            raise argparse.ArgumentTypeError(f"there is no {name!r}, but {', '.join(PEERS)}")
    return names


def say(chosen: argparse.Namespace, text: str) -> None:
    """Print for a reader, unless the output is JSON."""
    print(text, file=sys.stderr if chosen.json else sys.stdout, flush=True)


def summary(
    work: Workload, taking_part: Sequence[timing.Contender], said: list[str], threads: int
) -> dict[str, object]:
    """The numbers of one workload."""
    times = {c.name: c.microseconds for c in taking_part if c.microseconds is not None}
    own = times["pellucid"]
    peers = {name: time for name, time in times.items() if name != "pellucid"}
    torch = [time for name, time in peers.items() if name.startswith("torch")]
    flops, peak = shares(work, threads)
    return {
        "workload": work.name,
        "microseconds": times,
        "best_peer": min(peers, key=peers.__getitem__) if peers else None,
        "best_peer_ratio": min(peers.values()) / own if peers else None,
        "torch_ratio": min(torch) / own if torch else None,
        "share_of_peak": flops / (own * 1e-6) / peak,
        "losses": said,
    }


def shares(work: Workload, threads: int) -> tuple[float, float]:
    """Floating-point operations of a step's products alone, and the machine's most a second.

    Counted as direct sums: by Winograd a convolution takes fewer, and may seem to pass the peak.
    """
    from benchmarks.steps import own
    from pellucid.compile.explain.peak import peak_flops
    from pellucid.compile.op_facts import contraction_depth, is_contraction

    nodes = own.Peer(work, "native", threads).program.code.plan.graph.nodes
    products = (2.0 * node.size * contraction_depth(node) for node in nodes if is_contraction(node))
    return sum(products), peak_flops(threads)


def page(row: dict[str, object]) -> list[str]:
    """One workload for a reader."""
    times = row["microseconds"]
    assert isinstance(times, dict)
    own = times["pellucid"]
    share = f"products, as direct sums, at {row['share_of_peak']:.0%} of FMA peak"
    lines = ["", f"{row['workload']}: {own:,.1f} µs a step, {share}"]
    cells = [("", "µs a step", "÷ pellucid")]
    cells += [(name, f"{time:,.1f}", f"{time / own:.2f}") for name, time in times.items()]
    lines += [f"  {line}" for line in aligned(cells)]
    if row["best_peer"]:
        lines.append(f"  best peer ÷ pellucid {row['best_peer_ratio']:.2f} ({row['best_peer']})")
    losses = row["losses"]
    assert isinstance(losses, list)
    return [*lines, *(f"  {said}" for said in losses)]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines: the first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        )
        for row in rows
    ]


if __name__ == "__main__":
    sys.exit(main())
