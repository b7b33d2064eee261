"""Forks while other threads compile: the child finds nothing half done and no lock held for ever.

Locks whose owners only change what is Python's are simply made anew in the child. LLVM is not Python's,
so a fork waits until no thread is in it; the same holds of OpenSSL, which authenticates what is cached.
It waits for modules that another thread is importing, since nobody would ever finish that in the child.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time
from typing import Any

_PATIENCE = 10.0  # seconds
_PAUSE = 0.001

hashing = threading.RLock()
"""Held while a thread is in OpenSSL to authenticate."""

_generation = [0]
_held: dict[int, Any] = {}


def generation() -> int:
    """How many forks lie between this process and the first: it tells whose a lock is."""
    return _generation[0]


def _before() -> None:
    # Only so long: what is being imported may wait for this thread.
    until = time.monotonic() + _PATIENCE
    while _importing() and time.monotonic() < until:
        time.sleep(_PAUSE)
    hashing.acquire()
    lock = llvm_lock()
    if lock is not None:
        lock.__enter__()
        _held[threading.get_ident()] = lock


def _after() -> None:
    lock = _held.pop(threading.get_ident(), None)
    if lock is not None:
        lock.__exit__(None, None, None)
    hashing.release()


def _in_child() -> None:
    _generation[0] += 1
    _after()
    _held.clear()


def _importing() -> bool:
    """Whether another thread imports a module of this package, or of those that it needs."""
    locks = getattr(getattr(importlib, "_bootstrap", None), "_module_locks", {})
    held = {name: getattr(reference(), "owner", None) for name, reference in list(locks.items())}
    return any(
        owner not in (None, threading.get_ident())
        for name, owner in held.items()
        if name.startswith(("pellucid", "llvmlite", "numpy"))
    )


def llvm_lock() -> Any:
    """The lock that llvmlite holds while a thread is in LLVM, None before llvmlite is loaded."""
    wrapper = getattr(sys.modules.get("llvmlite.binding.ffi"), "lib", None)
    return getattr(wrapper, "_lock", None)


def register() -> None:
    """Have all this done at each fork from now on; called once, when the package is imported."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_in_child)
