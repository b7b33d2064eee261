"""A step of one's own, killed at random moments and resumed: a part of `python -m benchmarks.kill`."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.killed import stopped
from pellucid.train.storage.folder import HISTORY, MODEL, RECORDS, RunFolder

FILES = (MODEL, RECORDS, HISTORY)
EPOCHS = 60


def command(out: Path, *more: str) -> list[str]:
    """The command line of a run."""
    return [sys.executable, "-m", "benchmarks.gan", str(out), "--epochs", str(EPOCHS), *more]


def tries(count: int, dice: random.Random, room: Path) -> int:
    """Make so many tries, print a line for each, and return how many failed."""
    folder = room / "gan"
    for _ in range(2):
        shutil.rmtree(folder, ignore_errors=True)
        began = time.monotonic()
        subprocess.run(command(folder), check=True)
        seconds = time.monotonic() - began
    whole = {name: (folder / name).read_bytes() for name in FILES}
    print(f"\nA GAN's run takes {seconds:.1f} s.\n\ntry  same files  killed after (s)")
    failed = 0
    for number in range(1, count + 1):
        shutil.rmtree(folder, ignore_errors=True)
        moments: list[float] = []
        for _ in range(dice.randint(1, 3)):
            # The first second is Python's start; a kill in it proves little.
            moment = dice.uniform(min(0.8, seconds / 2), seconds)
            if stopped(command(folder, "--resume"), (signal.SIGKILL,), moment, dice) is None:
                break
            moments.append(moment)
            if RunFolder(folder).state == "finished":
                break
        if RunFolder(folder).state != "finished":
            subprocess.run(command(folder, "--resume"), check=True)
        different = [name for name in FILES if (folder / name).read_bytes() != whole[name]]
        failed += bool(different)
        after = ", ".join(f"{moment:.2f}" for moment in moments)
        print(
            f"{number:3}  {'yes' if not different else f'NO: {different}':10}  {after}", flush=True
        )
    return failed
