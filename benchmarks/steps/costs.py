"""What a library costs beside its steps: imports, first steps, compiling, memory, disk.

Everything is measured in fresh processes, three of them or more, of which the median counts.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.steps.timing import ROOT, pinned, python_of, surroundings
from benchmarks.steps.workloads import WORKLOADS

_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
_FIRST_STEP = """
import time
from benchmarks.steps.{module} import Peer
from benchmarks.steps.workloads import WORKLOADS
Peer(WORKLOADS["{work}"], "{mode}", {threads}).run(1)
print(time.time())
"""
_MEMORY = """
from benchmarks.steps.{module} import Peer
from benchmarks.steps.costs import peak_megabytes
from benchmarks.steps.workloads import WORKLOADS
Peer(WORKLOADS["{work}"], "{mode}", {threads}).run(10)
print(peak_megabytes())
"""
_BUILD = """
from benchmarks.steps.own import Peer
from benchmarks.steps.workloads import WORKLOADS
print(Peer(WORKLOADS["{work}"], "{mode}", {threads}).build_seconds)
"""
_TIMES = 3
_IMPORTS = 5
_TRAINED = ("mlp-mnist", "resnet20")


@dataclass(frozen=True)
class Library:
    """Where a library's workloads are, in its usual way; what is imported, and what is installed."""

    module: str
    mode: str
    imported: str
    distributions: tuple[str, ...]


LIBRARIES = {
    "pellucid": Library("own", "native", "pellucid", ("pellucid",)),
    "torch": Library("torch_peer", "fused", "torch", ("torch",)),
    "jax": Library("jax_peer", "scan", "jax.numpy", ("jax", "jaxlib", "optax")),
}


def measured(peers: Sequence[str], workloads: Sequence[str], threads: int) -> dict[str, object]:
    """All costs as plain JSON values; seconds and megabytes.

    peers: libraries to measure too; one that is not installed is named with the reason.
    workloads: those whose compiling is timed.
    """
    libraries: dict[str, dict[str, float]] = {}
    absent: dict[str, str] = {}
    for name in ("pellucid", *(peer for peer in peers if peer in LIBRARIES)):
        try:
            _output(f"import {LIBRARIES[name].imported}", name, threads)
        except subprocess.CalledProcessError as error:
            absent[name] = (error.stderr.strip().splitlines() or ["it does not start"])[-1]
            continue
        libraries[name] = _costs(name, threads)
    return {
        "libraries": libraries,
        "absent": absent,
        "compile_seconds": {name: compile_seconds(name, threads) for name in workloads},
    }


def table(costs: dict[str, object]) -> list[tuple[str, ...]]:
    """A row for each cost, a column for each library."""
    libraries = costs["libraries"]
    assert isinstance(libraries, dict)
    rows = [("", *libraries)]
    for label in libraries["pellucid"]:
        written: Callable[[float], str] = _megabytes if label.endswith("MB") else _seconds
        cells = [written(values[label]) for values in libraries.values()]
        rows.append((label.removesuffix(", MB").removesuffix(", s"), *cells))
    return rows


def compile_table(costs: dict[str, object]) -> list[tuple[str, ...]]:
    """How long Pellucid compiles each workload."""
    seconds = costs["compile_seconds"]
    assert isinstance(seconds, dict)
    rows: list[tuple[str, ...]] = [("compiling", "from nothing", "from cache")]
    return rows + [(name, f"{a:.2f} s", f"{b:.3f} s") for name, (a, b) in seconds.items()]


def _seconds(value: float) -> str:
    return f"{value:.2f} s"


def _megabytes(value: float) -> str:
    return f"{value:,.0f} MB"


def _costs(name: str, threads: int) -> dict[str, float]:
    costs = {
        "import, s": median(
            float(_output(_IMPORT.format(LIBRARIES[name].imported), name, threads))
            for _ in range(_IMPORTS)
        ),
        "start to first step of mlp-mnist, nothing cached, s": _first_step(name, False, threads),
        "start to first step of mlp-mnist, cached, s": _first_step(name, True, threads),
    }
    for work in _TRAINED:
        code = _code(_MEMORY, name, work, threads)
        costs[f"peak memory of training {work}, MB"] = median(
            _in_empty_cache(code, name, threads) for _ in range(_TIMES)
        )
    weigh = [str(ROOT / "benchmarks" / "steps" / "installed.py"), *LIBRARIES[name].distributions]
    costs["installed, MB"] = float(_run([python_of(name), *weigh], threads))
    return costs


def compile_seconds(work: str, threads: int) -> tuple[float, float]:
    """Seconds to compile a workload from nothing and from the cache."""
    code = _code(_BUILD, "pellucid", work, threads)
    first, second = [], []
    for _ in range(_TIMES):
        with tempfile.TemporaryDirectory() as folder:
            first.append(float(_output(code, "pellucid", threads, folder)))
            second.append(float(_output(code, "pellucid", threads, folder)))
    return median(first), median(second)


def _first_step(name: str, filled: bool, threads: int) -> float:
    """Seconds from the start of the process to the end of its first step."""
    code = _code(_FIRST_STEP, name, "mlp-mnist", threads)
    times: list[float] = []
    with ExitStack() as stack:
        for _ in range(_TIMES):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            if filled:
                _output(code, name, threads, folder)
            began = time.time()
            times.append(float(_output(code, name, threads, folder)) - began)
    return median(times)


def _in_empty_cache(code: str, name: str, threads: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return float(_output(code, name, threads, folder))


def _code(template: str, name: str, work: str, threads: int) -> str:
    library = LIBRARIES[name]
    if work not in WORKLOADS:
        raise ValueError(f"there is no workload {work!r}")
    return template.format(module=library.module, mode=library.mode, work=work, threads=threads)


def _output(code: str, name: str, threads: int, cache: str = "") -> str:
    """What a program of a library prints, its caches in a folder (by default the user's)."""
    return _run([python_of(name), "-W", "ignore", "-c", code], threads, cache)


def _run(command: Sequence[str], threads: int, cache: str = "") -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=surroundings(threads, cache),
        check=True,
        capture_output=True,
        text=True,
        preexec_fn=pinned(threads),
    )
    return done.stdout.strip()


def peak_megabytes() -> float:
    """The most memory of this process so far.

    Linux counts the memory of the process that started it in `ru_maxrss`, but not in VmHWM.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [row for row in status.read_text().splitlines() if row.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
