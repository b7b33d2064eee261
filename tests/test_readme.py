"""The commands, snippets and links of the README and the documentation work as they stand."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import PAGES, ROOT, blocks, commands, dead_links, make_targets

BIN = Path(sys.executable).parent


def run(command: list[str], folder: Path) -> str:
    """What a command prints, run with the interpreter's own scripts first on the path."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shutil.copy(ROOT / "pellucid/data/tables/penguins.csv", tmp_path)
    run(["bash", "-euo", "pipefail", "-c", commands(text)], tmp_path)
    code = "\n".join(blocks(text, "python"))
    printed = run([sys.executable, "-W", "error", "-c", code], tmp_path)
    for shown in blocks(text, "text"):
        assert shown in printed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    assert dead_links(page.read_text(encoding="utf-8"), page.parent) == []


def test_make_targets_that_pages_name_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    there = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    named = set().union(*(make_targets(page.read_text(encoding="utf-8")) for page in PAGES))
    assert {"demo", "test"} <= named <= there


def test_the_readme_has_code_of_both_kinds() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "pellucid fit" in commands(text)
    assert any("pel.fit" in code for code in blocks(text, "python"))


PAGE = """# A page
```bash
make demo
pellucid fit a.csv
```
Text, [a link](there.md), [another](gone.md#part), [a third](https://example.org).
```python
x = 1
```
<!-- no-run -->
```python
x = 2
```
```text
x = 3
```
"""


def test_what_a_command_prints_is_returned(tmp_path: Path) -> None:
    assert run(["bash", "-c", "pwd; command -v python"], tmp_path).split() == [
        str(tmp_path.resolve()),
        str(BIN / "python"),
    ]


def test_blocks_are_found_and_marked_ones_left_out() -> None:
    assert blocks(PAGE, "python") == ["x = 1\n"]
    assert commands(PAGE) == "pellucid fit a.csv"
    assert make_targets(PAGE) == {"demo"}


def test_dead_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").touch()
    assert dead_links(PAGE, tmp_path) == ["gone.md"]


def test_a_failing_command_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="nonsense"):
        run(["bash", "-euo", "pipefail", "-c", "echo nonsense; false"], tmp_path)
