"""Settings of the compiler that are read from the environment."""

from __future__ import annotations

import os


def verifies() -> bool:
    """Whether PELLUCID_VERIFY asks for every program to be verified."""
    return os.environ.get("PELLUCID_VERIFY", "0") not in ("", "0")
