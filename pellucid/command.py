"""Ctrl-C in the process of the command `pellucid`, from the first import on.

Python's own handler raises KeyboardInterrupt wherever the process is. While modules are imported nobody
can catch that, and C code may make another error of it. So the command ends at once then; later it
raises as usual, and notes that it did. This module imports nothing that takes time itself.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` without its enumerations
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130
"""The exit code of a process that was interrupted: 128 and the number of the signal."""

_asked: list[int] = []


def is_command() -> bool:
    """Whether this process is the command, by its script or as `python -m pellucid`."""
    script = os.path.basename((getattr(sys, "argv", None) or [""])[0])  # noqa: PTH119
    return script in ("pellucid", "pellucid.exe", "pellucid-script.py") or _module() == "pellucid"


def _module() -> str:
    """What follows the -m of Python's own arguments."""
    arguments = iter(getattr(sys, "orig_argv", [])[1:])
    for argument in arguments:
        if argument == "-m":
            return next(arguments, "")
        if argument in ("-X", "-W", "--check-hash-based-pycs"):
            next(arguments, None)
        elif not argument.startswith("-") or argument == "-c":
            return ""
    return ""


def end_quietly() -> None:
    """Let the command's process end at a Ctrl-C with one line, whatever it is doing."""
    # A shell has it ignored for what runs in its background.
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler and is_command():
        _set(_end)


def as_before() -> None:
    """Undo `end_quietly`."""
    if _signal.getsignal(_signal.SIGINT) is _end:
        _set(_signal.default_int_handler)


class Interruptible:
    """While it is entered, Ctrl-C raises KeyboardInterrupt; then the command is at its end.

    A process that is not the command's keeps its own handler.
    """

    def __init__(self) -> None:
        self._is_ours = _signal.getsignal(_signal.SIGINT) is _end

    def __enter__(self) -> None:
        if self._is_ours:
            sys.unraisablehook = _unraisable
            _set(_raise)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not self._is_ours:
            return
        _set(_signal.SIG_IGN)
        if isinstance(error, SystemExit) and error.code == INTERRUPTED:
            # Python ends by the signal instead of the code where it came while it ran some text.
            os._exit(INTERRUPTED)


def was_interrupted() -> bool:
    """Whether Ctrl-C was pressed while the command ran."""
    return bool(_asked)


def _set(handler: object) -> None:
    try:
        _signal.signal(_signal.SIGINT, handler)
    except ValueError:
        # Another thread than the main one, which interrupts do not concern.
        return


def _end(number: int, frame: FrameType | None) -> None:
    try:
        os.write(2, b"pellucid: interrupted.\n")
    finally:
        os._exit(INTERRUPTED)


def _raise(number: int, frame: FrameType | None) -> None:
    _asked.append(number)
    raise KeyboardInterrupt


def _unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    """An interrupt that came where nothing can be raised, as in a destructor, is not lost."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        _end(_signal.SIGINT, None)
    sys.__unraisablehook__(unraisable)


# Importing this module is the first thing that the package does.
end_quietly()
