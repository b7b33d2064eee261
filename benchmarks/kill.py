"""Training killed at random moments and resumed: `python -m benchmarks.kill`.

Each try starts `pellucid fit`, kills it (SIGKILL) at a random moment, up to three times, then resumes
it to the end. What must hold: the final model is the same, byte for byte, as that of a run that was
never killed, and no file under its final name was ever half-written. A try whose run ended before
it could be killed proves nothing, so it begins again with an earlier moment.
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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import PellucidError
from pellucid.train import container
from pellucid.train.folder import MODEL

PENGUINS = Path(__file__).parent.parent / "pellucid" / "data" / "tables" / "penguins.csv"


@dataclass(frozen=True)
class Try:
    """What one try came to.

    kills: the moments in seconds. left: files that the last kill left, for the run to go on from.
    damaged: files found half-written.
    """

    kills: tuple[float, ...]
    left: int
    damaged: tuple[str, ...]
    same: bool


def command(data: Path, target: str, out: Path, *more: str) -> list[str]:
    """The command line of a run."""
    fit = [sys.executable, "-m", "pellucid", "fit", str(data), "--target", target]
    return [*fit, "--out", str(out), "--quiet", *more]


def kill_after(arguments: Sequence[str], seconds: float) -> bool:
    """Start a process and kill it after so long; whether it was still running."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def damaged_files(folder: Path) -> tuple[str, ...]:
    """Files under their final names that cannot be read whole."""
    found: list[str] = []
    for file in sorted(folder.glob("*.safetensors")):
        try:
            container.read(file, file.name.split(".")[0].split("-")[0])
        except PellucidError as error:
            found.append(str(error))
    return tuple(found)


def attempt(
    data: Path, target: str, whole: bytes, seconds: float, dice: random.Random, folder: Path
) -> Try:
    """One try in `folder`; `seconds`: how long a run takes, `whole`: its model."""
    kills: list[float] = []
    damaged: tuple[str, ...] = ()
    shutil.rmtree(folder, ignore_errors=True)
    wanted = dice.randint(1, 3)
    while len(kills) < wanted:
        moment = dice.uniform(0, seconds)
        if kill_after(command(data, target, folder, "--resume"), moment):
            kills.append(moment)
            damaged += damaged_files(folder)
        elif kills:
            break
        else:
            seconds = moment
            shutil.rmtree(folder)
    left = len(list(folder.glob("*.safetensors")))
    subprocess.run(command(data, target, folder, "--resume"), check=True, stdout=subprocess.DEVNULL)
    same = (folder / MODEL).read_bytes() == whole
    return Try(tuple(kills), left, damaged, same)


def main() -> int:
    """Run the tries and print a table; exit code 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=PENGUINS)
    parser.add_argument("--target", default="species")
    chosen = parser.parse_args()
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
        print("try  killed after (s)          files left  half-written  same model")
        failed = killed = begun = 0
        for number in range(1, chosen.tries + 1):
            found = attempt(chosen.data, chosen.target, whole, seconds, dice, folder)
            failed += not found.same or bool(found.damaged)
            killed += len(found.kills)
            begun += found.left > 0
            moments = ", ".join(f"{moment:.2f}" for moment in found.kills)
            same = "yes" if found.same else "NO"
            print(
                f"{number:3}  {moments:24}  {found.left:10}  {len(found.damaged):12}  {same}",
                flush=True,
            )
    print(
        f"\n{chosen.tries} tries, {killed} kills, {begun} tries with files to go on from, "
        f"{failed} failed."
    )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
