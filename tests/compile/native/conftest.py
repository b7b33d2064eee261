"""Every test begins with the usual umask, and with no mark of planted code."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.compile.native.planted import MARK


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    MARK[0] = 0
    yield
    os.umask(before)
