"""Training stopped at random moments and resumed: `python -m benchmarks.kill`.

Each try starts `pellucid fit`, stops it one to three times, then resumes it to the end. It is stopped at
a random moment, one in three at the finish, as a terminal, a batch system or a power cut would: by
SIGKILL, by Ctrl-C, by SIGTERM, or by two or three of them within a tenth of a second. What must hold:

- the final model is the same, byte for byte, as that of a run that was never stopped;
- until then the run says that it is unfinished or interrupted;
- no file under its final name is ever half-written, and nothing else is left at the end;
- a process that is interrupted says so in a line, and its exit code is 0 if it kept a model, else 130.

A quarter as many tries kill a GAN, a step of one's own with all that a checkpoint has to hold (see
`benchmarks.gan`): its model, history and records must be the same bytes.

A try whose run ended before it could be stopped proves nothing, so it begins again with an earlier
moment.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import kill_step
from benchmarks.killed import stopped
from pellucid.command import INTERRUPTED
from pellucid.errors import PellucidError
from pellucid.train.storage import container
from pellucid.train.storage.folder import HISTORY, MODEL, RECORDS, RunFolder

PENGUINS = Path(__file__).parent.parent / "pellucid" / "data" / "tables" / "penguins.csv"

KILL, INTERRUPT, END = signal.SIGKILL, signal.SIGINT, signal.SIGTERM
WAYS: tuple[tuple[signal.Signals, ...], ...] = (
    (KILL,),
    (INTERRUPT,),
    (INTERRUPT, KILL),
    (END,),
    (INTERRUPT, INTERRUPT),
    (INTERRUPT, END),
    (END, KILL),
    (INTERRUPT, INTERRUPT, KILL),
)
SIGNS = {KILL: "kill", INTERRUPT: "^C", END: "term"}
STARTING = 0.1
"""Seconds in which the process is Python's alone and may say what it likes."""


@dataclass(frozen=True)
class Stop:
    """One stop: after how many seconds, by what, and the exit code that it came to.

    age: seconds since the process began. state: what the run said of itself then.
    """

    moment: float
    age: float
    way: tuple[signal.Signals, ...]
    code: int
    state: str

    def __str__(self) -> str:
        return f"{'+'.join(SIGNS[sign] for sign in self.way)} {self.moment:.2f}"


@dataclass(frozen=True)
class Try:
    """What one try came to.

    left: files that the last stop left, from which the run resumes. damaged: half-written files.
    faults: whatever else should not have been.
    """

    stops: tuple[Stop, ...]
    left: int
    damaged: tuple[str, ...]
    faults: tuple[str, ...]
    same: bool


def command(data: Path, target: str, out: Path, *more: str) -> list[str]:
    """The command line of a run."""
    fit = [sys.executable, "-m", "pellucid", "fit", str(data), "--target", target]
    return [*fit, "--out", str(out), "--quiet", *more]


def damaged_files(folder: Path) -> tuple[str, ...]:
    """Files under their final names that cannot be read whole."""
    damaged: list[str] = []
    for file in sorted(folder.glob("*.safetensors")):
        try:
            container.read(file, file.name.split(".")[0].split("-")[0])
        except PellucidError as error:
            damaged.append(str(error))
    return tuple(damaged)


def attempt(
    data: Path, target: str, whole: bytes, seconds: float, dice: random.Random, folder: Path
) -> Try:
    """One try in `folder`; `seconds`: how long a run takes, `whole`: its model."""
    stops: list[Stop] = []
    damaged: tuple[str, ...] = ()
    faults: list[str] = []
    shutil.rmtree(folder, ignore_errors=True)
    wanted = dice.randint(1, 3)
    while len(stops) < wanted:
        way = dice.choice(WAYS)
        at_the_end = dice.random() < 1 / 3
        moment = dice.uniform(0, 0.15 if at_the_end else seconds)
        last = RunFolder(folder).network(4) if at_the_end else None
        ended = stopped(command(data, target, folder, "--resume"), way, moment, dice, last)
        if ended is not None:
            age, code, error = ended
            stop = Stop(moment, age, way, code, RunFolder(folder).state)
            stops.append(stop)
            damaged += damaged_files(folder)
            faults += wrong(stop, error)
            if stop.state == "finished":
                break
        elif stops:
            break
        else:
            seconds *= 1 if at_the_end else 0.9
            shutil.rmtree(folder)
    left = len(list(folder.glob("*.safetensors")))
    resumed = command(data, target, folder, "--resume")
    subprocess.run(resumed, check=True, stdout=subprocess.DEVNULL)
    if {file.name for file in folder.iterdir()} != {MODEL, HISTORY, RECORDS}:
        faults.append(f"left: {sorted(file.name for file in folder.iterdir())}")
    same = (folder / MODEL).read_bytes() == whole
    return Try(tuple(stops), left, damaged, tuple(faults), same)


def wrong(stop: Stop, error: str) -> list[str]:
    """What a stopped process should not have said, or ended with."""
    if stop.age < STARTING:
        return []
    faults = [f"{stop}: {error}"] if "Traceback" in error or "Exception" in error else []
    usual = {0, INTERRUPTED} if INTERRUPT in stop.way else set()
    usual |= {-sign for sign in stop.way if sign != INTERRUPT}
    usual |= {0} if stop.state == "finished" else set()
    if stop.code not in usual:
        faults.append(f"{stop}: exit code {stop.code}, {error}")
    if stop.code == 0 and stop.state == "unfinished":
        faults.append(f"{stop}: exit code 0 without a model")
    return faults


def main() -> int:
    """Run the tries and print a table; exit code 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=PENGUINS)
    parser.add_argument("--target", default="species")
    chosen = parser.parse_args()
    # A shell starts what runs in its background with interrupts ignored, and so would be the runs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    dice = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room) / "run"
        for _ in range(2):
            shutil.rmtree(folder, ignore_errors=True)
            began = time.monotonic()
            subprocess.run(command(chosen.data, chosen.target, folder), check=True)
            seconds = time.monotonic() - began
        whole = (folder / MODEL).read_bytes()
        print(f"A run takes {seconds:.1f} s; its model has {len(whole):,} bytes.\n")
        print("try  same model  half-written  files left  stopped by, after (s): what the run said")
        tries: list[Try] = []
        for number in range(1, chosen.tries + 1):
            tries.append(attempt(chosen.data, chosen.target, whole, seconds, dice, folder))
            show(number, tries[-1])
        failed = summary(tries)
        lost = kill_step.tries(chosen.tries // 4, dice, Path(room))
    print(f"\n{chosen.tries // 4} tries of a step of one's own, {lost} failed.")
    return int(failed or lost > 0)


def show(number: int, tried: Try) -> None:
    """A line for a try, and one for each fault."""
    stops = "; ".join(f"{stop}: {stop.state}" for stop in tried.stops)
    same = "yes" if tried.same else "NO"
    print(
        f"{number:3}  {same:10}  {len(tried.damaged):12}  {tried.left:10}  {stops}",
        *tried.faults,
        sep="\n",
        flush=True,
    )


def summary(tries: Sequence[Try]) -> int:
    """Print what it came to; 1 if any try failed."""
    failed = sum(not one.same or bool(one.damaged) or bool(one.faults) for one in tries)
    states = Counter(stop.state for one in tries for stop in one.stops)
    said = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    begun = sum(one.left > 0 for one in tries)
    print(
        f"\n{len(tries)} tries, {states.total()} stops (after which the runs were {said}), "
        f"{begun} tries with files to go on from, {failed} failed."
    )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
