"""What the documentation's pages hold: code blocks and links."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NOT_RUN = "<!-- no-run -->\n"
BLOCK = re.compile(r"(?P<before>[^\n]*\n)^```(?P<kind>\w*)\n(?P<code>.*?)^```$", re.S | re.M)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


def blocks(page: str, kind: str) -> list[str]:
    """The code blocks of a kind, but for those under a line `<!-- no-run -->`."""
    found = BLOCK.finditer("\n" + page)
    return [m["code"] for m in found if m["kind"] == kind and m["before"] != NOT_RUN]


def commands(page: str) -> str:
    """The shell blocks as one script, without `make`, which would set up a second environment."""
    lines = "".join(blocks(page, "bash")).splitlines()
    return "\n".join(line for line in lines if not line.startswith("make "))


def make_targets(page: str) -> set[str]:
    """Targets that the page tells the reader to make."""
    inline = re.findall(r"`make ([a-z-]+)", page)
    return {*inline, *re.findall(r"^make ([a-z-]+)", "".join(blocks(page, "bash")), re.M)}


def dead_links(page: str, folder: Path) -> list[str]:
    """Links to files that are not there, seen from the folder of the page."""
    targets = [m["target"].partition("#")[0] for m in LINK.finditer(page)]
    local = [target for target in targets if target and ":" not in target]
    return [target for target in local if not (folder / target).exists()]
