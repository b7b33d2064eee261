"""A table of a million rows: memory, interruption, and what an import brings in."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pellucid.data import read_table

WRITE = """
import sys
import numpy as np
random = np.random.default_rng(0)
with open(sys.argv[1], "w") as file:
    names = [f"n{i}" for i in range(15)] + ["city", "colour", "when", "key", "y"]
    file.write(",".join(names) + "\\n")
    for start in range(0, 1_000_000, 10_000):
        numbers = random.normal(size=(10_000, 15))
        cities = random.zipf(1.5, 10_000) % 10_000
        for row in range(10_000):
            digits = ",".join(map(repr, numbers[row].tolist()))
            day = (start + row) % 28 + 1
            file.write(f"{digits},city{cities[row]},{'rgb'[row % 3]},2024-01-{day:02},"
                       f"{start + row:032x},{row % 2}\\n")
"""

READ = """
import resource, sys
import numpy as np
from pellucid.data import Preparation, choose_target, read_table
lines = []
table = read_table(sys.argv[1], lines.append)
assert table.rows == 1_000_000 and len(table.names) == 20, (table.rows, table.names)
assert len(lines) == 21, len(lines)
choice = choose_target(table, "y")
preparation = Preparation.learn(table, "y", choice.task, choice.rows[:800_000])
features = preparation.features(table)
assert features.shape[0] == 1_000_000 and np.isfinite(features).all()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


COMMAND = """
import resource, sys
from pellucid.cli import main
sys.argv[0] = "pellucid"
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A CSV file of a million rows and 20 columns."""
    path = str(tmp_path_factory.mktemp("large") / "large.csv")
    subprocess.run([sys.executable, "-c", WRITE, path], check=True)
    return path


@pytest.mark.slow
def test_a_million_rows_of_twenty_columns_fit_in_two_gigabytes(large: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ, large], check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert int(done.stdout) * 1024 < 2e9


@pytest.mark.slow
def test_learning_from_a_million_rows_fits_in_two_gigabytes(large: str, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    fit = ["fit", large, "--target", "y", "--epochs", "1", "--out", run]
    predict = ["predict", run, large, "-o", str(tmp_path / "p.csv")]
    for command in (fit, predict):
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *command], check=True, capture_output=True, text=True
        )
        assert "1,000,000 rows, column" in done.stderr
        assert int(done.stdout.splitlines()[-1]) * 1024 < 2e9


def test_reading_can_be_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("w") as file:
        file.write("a,b,c\n")
        file.writelines(f"{row},{row * 7919 % 1000003},text{row}\n" for row in range(1_000_000))
    begun: list[str] = []
    # Importing and connecting may swallow an interrupt; in a query it is looked for all the time.
    (tmp_path / "small.csv").write_text("a,b\n1,2\n3,4\n")
    read_table(tmp_path / "small.csv")

    def interrupt(line: str) -> None:
        begun.append(line)
        if len(begun) == 1:
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        read_table(path, progress=interrupt)
    assert len(begun) < 4
    assert read_table(path).rows == 1_000_000


def test_importing_brings_in_no_heavy_library() -> None:
    code = (
        "import sys, pellucid.data; "
        "print([m for m in ('duckdb', 'narwhals', 'pandas', 'polars', 'pyarrow') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_arrays_need_no_heavy_library() -> None:
    code = (
        "import sys, numpy as np; from pellucid.data import read_table; "
        "read_table(np.ones((3, 2))); read_table({'a': ['x', '2024-01-01']}); "
        "print('duckdb' in sys.modules or 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
