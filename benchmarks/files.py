"""Files that are damaged or hostile: each is refused with one sentence, or is a model that predicts.

    python -m benchmarks.files --mutations 20000

Reading takes at most a second of the processor, and of memory 64 times the file plus 64 MiB. What
reads and then predicts may fail at that with an error that says why. Every case is a function of the
seed and its number; a failure is printed with both.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import resource
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from benchmarks.file_mutations import mutated
from benchmarks.file_samples import Sample, samples
from pellucid.errors import PellucidError

SECONDS = 1.0
HANG_SECONDS = 30
FACTOR, ROOM = 64, 64 * 2**20
ADDRESSES = 6 * 2**30
CLEAR = (PellucidError, ValueError, TypeError)
"""What may be raised where a file was read and its model is used."""


class Hang(BaseException):
    """A case took too long."""


def judge(sample: Sample, content: bytes) -> str | None:
    """What is wrong with how a file is treated, None if nothing is."""
    _forget_peak()
    before, began = _memory("VmRSS"), time.process_time()
    problem: str | None = None
    refused = True
    try:
        with _alarm(HANG_SECONDS):
            refused = not _used(sample, content)
    except PellucidError as error:
        problem = _sentence(str(error))
    except Hang:
        return "it hangs"
    except CLEAR as error:
        if not _at_prediction(error):
            problem = f"{type(error).__name__}: {error}"
    except BaseException as error:
        problem = f"{type(error).__name__}: {error}"
    seconds, peak = time.process_time() - began, _memory("VmHWM") - before
    if problem is None and refused and seconds > SECONDS:
        problem = f"refusing takes {seconds:.1f} s"
    if problem is None and refused and peak > FACTOR * len(content) + ROOM:
        problem = f"refusing {len(content):,} bytes takes {peak:,} bytes"
    return problem


def _used(sample: Sample, content: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sample.use(content)
    return True


def _at_prediction(error: BaseException) -> bool:
    """Whether an error came from a model that was read."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_name in (
            "from_parts",
            "load_checkpoint",
            "_finished",
            "unpack",
        ):
            return False
        trace = trace.tb_next
    return True


def _sentence(text: str) -> str | None:
    """What is wrong with a message."""
    if "\n" in text or not text or len(text) > 2_000:
        return f"this is not a sentence: {text[:200]!r}"
    return None


@contextlib.contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _memory(which: str) -> int:
    """Bytes of memory of this process now (VmRSS) or at most since `_forget_peak` (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(which):
            return int(line.split()[1]) * 1024
    return 0


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def cases(count: int, seed: int) -> Iterator[tuple[int, Sample, bytes]]:
    """So many mutated files, with their numbers."""
    every = list(samples())  # those of tables and runs, which say most, are the last
    for number in range(count):
        dice = random.Random(f"{seed} {number}")
        sample = dice.choice(every[-5:] if dice.random() < 0.3 else every)
        yield number, sample, mutated(sample.content, dice)


def main() -> int:
    """Mutate, judge, and say what was wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--mutations", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="judge this one only, and raise its error")
    asked = parser.parse_args()
    if sys.platform == "linux":
        resource.setrlimit(
            resource.RLIMIT_AS, (ADDRESSES, resource.getrlimit(resource.RLIMIT_AS)[1])
        )
    wrong = 0
    for number, sample, content in cases(asked.mutations, asked.seed):
        if asked.case is not None:
            if number == asked.case:
                print(content[:2000])
                sample.use(content)
            continue
        problem = judge(sample, content)
        if problem is not None:
            wrong += 1
            print(f"{number} {sample.name}: {problem}"[:500], flush=True)
        if number % 1000 == 999:
            print(f"{number + 1:,} files, {wrong} treated wrongly", flush=True)
    print(f"{asked.mutations:,} files of seed {asked.seed}: {wrong} treated wrongly")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
