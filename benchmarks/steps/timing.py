"""Workers of several libraries, their losses compared and their steps timed in turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.steps.workloads import Workload

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
COMPARED_STEPS = 20
DRAWS = 3
TOLERANCE = 1e-4
PAUSE = 0.3
LEAST_SECONDS = 0.2
BEFORE = "before"
"""The name of Pellucid as it is in another checkout."""


@dataclass
class Contender:
    """A library in one of its ways. absent: why it takes no part. times: µs a step, a round each."""

    library: str
    mode: str
    process: subprocess.Popen[str] | None = None
    absent: str = ""
    losses: list[list[float]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    build: float | None = None

    @property
    def name(self) -> str:
        """The library and its way."""
        alone = self.library in ("pellucid", BEFORE)
        return self.library if alone else f"{self.library} {self.mode}"

    @property
    def microseconds(self) -> float | None:
        """The median of the rounds."""
        return median(self.times) if self.times else None

    def ask(self, **command: Any) -> dict[str, Any]:
        """Send a command and wait for the answer."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next answer; RuntimeError if the process has ended."""
        assert self.process is not None and self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended without an answer; its message is above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def open(self, work: Workload, dropout: bool, draw: int = 0, double: bool = False) -> bool:
        """Build a workload; False if the library cannot. double: in float64."""
        answer = self.ask(
            do="open",
            workload=work.name,
            mode=self.mode,
            dropout=dropout,
            draw=draw,
            double=double,
        )
        self.absent = answer.get("not", "")
        self.build = answer["build"]
        return not self.absent

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


def contenders(
    peers: Sequence[str], threads: int, compile_too: bool, before: Path | None = None
) -> list[Contender]:
    """A started worker for each way of each library that is there, and of Pellucid before."""
    started: list[Contender] = []
    for library in ("pellucid", *([BEFORE] if before else []), *peers):
        first = _start(library, threads, before or ROOT)
        answer = first.answer()
        first.absent = answer.get("absent", "")
        modes = [m for m in answer.get("modes", []) if m != "compile" or compile_too]
        for number, mode in enumerate(modes or [""]):
            contender = first if number == 0 else _start(library, threads, ROOT)
            contender.mode = mode
            if number:
                contender.answer()
            started.append(contender)
    return started


def _start(library: str, threads: int, before: Path) -> Contender:
    own = library in ("pellucid", BEFORE)
    command = [python_of("pellucid" if own else library), "-W", "ignore"]
    command += ["-m", "benchmarks.steps.worker"]
    process = subprocess.Popen(
        [*command, "pellucid" if own else library, str(threads)],
        cwd=before if library == BEFORE else ROOT,
        env=surroundings(threads),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=pinned(threads),
    )
    return Contender(library, "", process)


def python_of(library: str) -> str:
    """The interpreter of a library: peers have their own environment if it is made."""
    return sys.executable if library == "pellucid" or not PEERS.exists() else str(PEERS)


def surroundings(threads: int, cache: str = "") -> dict[str, str]:
    """The environment of a library that is measured. cache: the folder of all that it caches."""
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = str(threads)
    if cache:
        environment |= {"PELLUCID_CACHE": cache, "TORCHINDUCTOR_CACHE_DIR": cache}
        environment |= {"JAX_COMPILATION_CACHE_DIR": cache}
        # Else JAX keeps only what takes long to compile.
        environment |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        environment |= {"JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
    return environment


def pinned(threads: int) -> Callable[[], None]:
    """What a new process does first: keep to as many processors as threads, which JAX goes by."""
    allowed = sorted(os.sched_getaffinity(0))[:threads]
    return lambda: os.sched_setaffinity(0, allowed)


def compare(work: Workload, all_of_them: Sequence[Contender]) -> list[str]:
    """Train without dropout; returns how far the losses of each are from Pellucid's.

    The median over several draws: rounding alone may switch a ReLU that stands at 0 or turn one of
    Adam's first steps, which are signs, and the losses part from there on. In one draw of eight
    PyTorch in float32 is 6e-4 from itself in float64 on mlp-mnist. Where the losses part by more than
    the tolerance, PyTorch in float64 is the judge: they are the same if Pellucid is no farther from it
    than twice what float32 does to the other library.
    """
    said: list[str] = []
    for contender in all_of_them:
        contender.losses = []
        for draw in range(DRAWS):
            if contender.open(work, dropout=False, draw=draw):
                losses = contender.ask(do="losses", steps=COMPARED_STEPS)["result"]
                contender.losses.append(losses)
    own = all_of_them[0].losses
    exact: list[list[float]] | None = None
    for contender in all_of_them[1:]:
        if not contender.losses:
            said.append(f"{contender.name} is left out: {contender.absent}")
            continue
        far = median(map(_distance, contender.losses, own))
        numbers, same = f"{far:.1e}", far <= TOLERANCE
        if not same:
            exact = exact or _in_float64(work, all_of_them)
            theirs, ours = (median(map(_distance, x, exact)) for x in (contender.losses, own))
            same = ours <= 2 * theirs
            numbers += f"; from float64 {theirs:.1e}, Pellucid {ours:.1e}"
        verdict = "the same" if same else "DIFFERENT"
        said.append(f"{contender.name}: {verdict} losses over {COMPARED_STEPS} steps ({numbers})")
    return said


def _in_float64(work: Workload, all_of_them: Sequence[Contender]) -> list[list[float]]:
    """The losses in float64 by PyTorch; NaN, from which everything is far, without it."""
    judges = [c for c in all_of_them if c.library == "torch" and c.losses]
    if not judges:
        return [[float("nan")] * COMPARED_STEPS] * DRAWS
    losses = []
    for draw in range(DRAWS):
        judges[0].open(work, dropout=False, draw=draw, double=True)
        losses.append(judges[0].ask(do="losses", steps=COMPARED_STEPS)["result"])
    return losses


def _distance(losses: list[float], truth: list[float]) -> float:
    return max(abs(a - b) / max(abs(b), 1.0) for a, b in zip(losses, truth, strict=True))


def measure(work: Workload, all_of_them: Sequence[Contender], rounds: int) -> None:
    """Time everyone in turns, each for a while, after two rounds that are not counted.

    Before each turn there is a pause, so that the waiting threads of the one before go to sleep.
    """
    taking_part = [c for c in all_of_them if c.open(work, dropout=True)]
    for contender in all_of_them:
        contender.times = []
    steps = {id(contender): work.steps for contender in taking_part}
    for number in range(-2, rounds):
        for contender in taking_part:
            time.sleep(PAUSE)
            count = steps[id(contender)]
            seconds = contender.ask(do="seconds", steps=count)["result"]
            if number == -2:
                # Compiling is part of this one, so the next is long enough at least.
                seconds = contender.ask(do="seconds", steps=count)["result"]
                steps[id(contender)] = max(count, int(count * LEAST_SECONDS / seconds))
            elif number >= 0:
                contender.times.append(seconds / count * 1e6)
