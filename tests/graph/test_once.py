"""Properties that are computed once."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from pellucid.graph.once import once


@dataclass(frozen=True)
class Thing:
    calls: list[int] = field(default_factory=list)

    @once
    def value(self) -> list[int]:
        """What is computed."""
        self.calls.append(1)
        return [len(self.calls)]


def test_it_is_computed_once_for_each_object() -> None:
    one, other = Thing(), Thing()
    assert one.calls == []
    assert one.value is one.value and other.value == [1]
    assert one.calls == other.calls == [1]
    assert isinstance(Thing.value, once) and Thing.value.__doc__ == "What is computed."


def test_one_computation_does_not_hold_up_another() -> None:
    """As a lock of the class would, in Python 3.11's functools.cached_property."""
    begun, end = threading.Event(), threading.Event()

    class Slow:
        def __init__(self, slow: bool) -> None:
            self.slow = slow

        @once
        def value(self) -> bool:
            if self.slow:
                begun.set()
                end.wait(20)
            return end.is_set()

    worker = threading.Thread(target=lambda: Slow(True).value)
    worker.start()
    begun.wait(20)
    assert not Slow(False).value
    end.set()
    worker.join()
