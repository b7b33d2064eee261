"""The folder of a user's compiled code."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def default_folder() -> Path | None:
    """The folder of compiled code: PELLUCID_CACHE, else `user_folder`; None if there is neither."""
    chosen = os.environ.get("PELLUCID_CACHE")
    return Path(chosen) if chosen else user_folder()


def user_folder() -> Path | None:
    """`pellucid` in the user's folder of caches, None for a user without a home.

    A temporary folder is never used, because others can write there. A relative path or the root
    counts as unset.
    """
    if sys.platform == "win32":
        return _in(_proper(os.environ.get("LOCALAPPDATA")))
    home = _home()
    if sys.platform == "darwin":
        return _in(home and home / "Library" / "Caches")
    return _in(_proper(os.environ.get("XDG_CACHE_HOME")) or (home and home / ".cache"))


def _in(base: Path | None) -> Path | None:
    return base and base / "pellucid"


def _home() -> Path | None:
    """The home that HOME or the user database names, if it exists. It is never created."""
    try:
        home = _proper(str(Path.home())) if os.environ.get("HOME", "unset") else None
        return home if home and home.is_dir() else None
    except (OSError, RuntimeError):
        return None


def _proper(text: str | None) -> Path | None:
    """The folder of an absolute path that is not the root."""
    if not text or not os.path.isabs(text):  # noqa: PTH117
        return None
    path = Path(os.path.normpath(text))
    return path if path != path.parent and path.name else None
