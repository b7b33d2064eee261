"""Processes that are stopped by signals."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

MOST_BETWEEN = 0.1
"""Seconds between two signals, at most."""


def stopped(
    arguments: Sequence[str],
    way: Sequence[signal.Signals],
    seconds: float,
    dice: random.Random,
    last: Path | None = None,
) -> tuple[float, int, str] | None:
    """Start a process and stop it; its age, exit code and errors, None if it ended before.

    seconds: after which it is stopped, since its start, or since the file `last` is there.
    """
    began = time.monotonic()
    with subprocess.Popen(
        arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        while last is not None and not last.exists() and process.poll() is None:
            time.sleep(0.002)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            age = time.monotonic() - began
            for sign in way:
                process.send_signal(sign)
                time.sleep(dice.uniform(0, MOST_BETWEEN))
            _, error = process.communicate()
            return age, process.returncode, error
    return None
