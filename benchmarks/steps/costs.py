"""What a library costs beside its steps: imports, first steps, memory, disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.steps.timing import PEERS, ROOT
from benchmarks.steps.workloads import WORKLOADS

_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
_FIRST_STEP = """
import sys, time
from benchmarks.steps.{module} import Peer
from benchmarks.steps.workloads import WORKLOADS
Peer(WORKLOADS["{work}"], "{mode}", 2).run(1)
"""
_MEMORY = """
import resource
from benchmarks.steps.{module} import Peer
from benchmarks.steps.workloads import WORKLOADS
Peer(WORKLOADS["{work}"], "{mode}", 2).run(10)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
_MODULES = {
    "pellucid": ("own", "native"),
    "torch": ("torch_peer", "fused"),
    "jax": ("jax_peer", "scan"),
}
_PACKAGES = {
    "pellucid": (
        *("pellucid", "numpy", "numpy.libs", "llvmlite", "duckdb", "_duckdb", "narwhals"),
        *("safetensors", "typer", "rich", "plotly", "PIL", "pillow.libs", "pygments", "click"),
    ),
    "torch": ("torch", "sympy", "networkx", "mpmath", "jinja2", "numpy", "numpy.libs"),
    "jax": ("jax", "jaxlib", "optax", "scipy", "scipy.libs", "ml_dtypes", "numpy", "numpy.libs"),
}


def table() -> list[tuple[str, ...]]:
    """Rows of what is measured, a column for each library that is installed."""
    libraries = ["pellucid", *(["torch", "jax"] if PEERS.exists() else [])]
    modules = {"pellucid": "pellucid", "torch": "torch", "jax": "jax.numpy"}
    rows = [("", *libraries)]
    times = [f"{_seconds(_IMPORT.format(modules[name]), name):.2f} s" for name in libraries]
    rows.append(("import", *times))
    for label, filled in (("first step, nothing cached", False), ("first step, cached", True)):
        cells = [f"{_first_step(name, filled):.2f} s" for name in libraries]
        rows.append((f"{label} (mlp-mnist)", *cells))
    for work in ("mlp-mnist", "resnet20"):
        cells = [f"{_memory(name, work):,.0f} MB" for name in libraries]
        rows.append((f"peak memory, training {work}", *cells))
    rows.append(("installed", *(f"{_installed(name):,.0f} MB" for name in libraries)))
    return rows


def build_seconds() -> list[tuple[str, ...]]:
    """Seconds to compile each workload from nothing and from the cache."""
    rows: list[tuple[str, ...]] = [("workload", "from nothing", "from cache")]
    code = (
        "import json, sys; from benchmarks.steps.own import Peer;"
        "from benchmarks.steps.workloads import WORKLOADS;"
        "print(json.dumps(Peer(WORKLOADS[sys.argv[1]], 'native', 2).build_seconds))"
    )
    for name in WORKLOADS:
        with tempfile.TemporaryDirectory() as folder:
            found = [json.loads(_output(code, "pellucid", folder, name)) for _ in range(2)]
        rows.append((name, f"{found[0]:.2f} s", f"{found[1]:.3f} s"))
    return rows


def _output(code: str, library: str, cache: str = "", *arguments: str) -> str:
    python = sys.executable if library == "pellucid" else str(PEERS)
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
    if cache:
        environment |= {"PELLUCID_CACHE": cache, "JAX_COMPILATION_CACHE_DIR": cache}
    done = subprocess.run(
        [python, "-W", "ignore", "-c", code, *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def _seconds(code: str, library: str) -> float:
    return median(float(_output(code, library)) for _ in range(5))


def _first_step(library: str, filled: bool) -> float:
    module, mode = _MODULES[library]
    code = _FIRST_STEP.format(module=module, work="mlp-mnist", mode=mode)
    timed = f"import time; t = time.perf_counter()\n{code}\nprint(time.perf_counter() - t)"
    times: list[float] = []
    with tempfile.TemporaryDirectory() as shared:
        if filled:
            _output(timed, library, shared)
        for _ in range(3):
            if filled:
                times.append(float(_output(timed, library, shared)))
                continue
            with tempfile.TemporaryDirectory() as empty:
                times.append(float(_output(timed, library, empty)))
    return median(times)


def _memory(library: str, work: str) -> float:
    module, mode = _MODULES[library]
    kilobytes = float(_output(_MEMORY.format(module=module, work=work, mode=mode), library))
    return kilobytes / 1024


def _installed(library: str) -> float:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    folder = Path(_output(code, library))
    places = [folder / name for name in _PACKAGES[library]]
    if library == "pellucid":
        places[0] = ROOT / "pellucid"
    files = (file for place in places if place.exists() for file in place.rglob("*"))
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6
