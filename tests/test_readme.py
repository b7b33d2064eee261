"""The commands and snippets of the README and the documentation run as they stand."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?P<skip><!-- not run -->\n)?```(?P<kind>bash|python)\n(?P<code>.*?)```", re.S)


def blocks(page: Path, kind: str) -> list[str]:
    """The code blocks of a page, but for those marked as not run."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [m["code"] for m in found if m["kind"] == kind and not m["skip"]]


def run(command: list[str], folder: Path) -> None:
    """Run a command with the interpreter's own scripts first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PATH": path}
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_run(page: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "pellucid/data/tables/penguins.csv", tmp_path)
    for code in blocks(page, "bash"):
        lines = [line for line in code.splitlines() if not line.startswith("make ")]
        run(["bash", "-euo", "pipefail", "-c", "\n".join(lines)], tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_snippets_run(page: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "pellucid/data/tables/penguins.csv", tmp_path)
    code = blocks(page, "python")
    if code:
        run([sys.executable, "-W", "error", "-c", "\n".join(code)], tmp_path)


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        for target in re.findall(r"`?make ([a-z-]+)", page.read_text(encoding="utf-8")):
            assert re.search(rf"^{target}:", makefile, re.M), f"{page.name}: make {target}"
