"""Object code loaded into the process."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import Any, Protocol

from pellucid.compile.native.assemble import to_object
from pellucid.compile.native.cache import ObjectCache, key_of
from pellucid.compile.native.isa import Isa


class Source(Protocol):
    """LLVM text that need not be written if its object is in the cache."""

    @property
    def isa(self) -> Isa:
        """The target."""
        ...

    @property
    def key(self) -> str | None:
        """A hash of everything that the text depends on, None if it is not known."""
        ...

    @property
    def text(self) -> str:
        """The text of the module."""
        ...


@dataclass(frozen=True)
class Text:
    """A module that is written already."""

    text: str
    isa: Isa

    @property
    def key(self) -> str:
        """The hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


_numbers = itertools.count()
_jit: list[Any] = []
_RENEWED = 64
"""Libraries that one engine links: it forgets nothing of them until all are gone and it with them."""


class Library:
    """Loaded machine code; it stays in memory as long as this object lives."""

    def __init__(self, image: bytes, names: tuple[str, ...]) -> None:
        import llvmlite.binding as llvm

        builder = llvm.JITLibraryBuilder().add_object_img(image)
        for name in names:
            builder.export_symbol(name)
        number = next(_numbers)
        self._tracker = builder.link(_engine(number), f"pellucid{number}")

    def address(self, name: str) -> int:
        """The address of an exported function."""
        return int(self._tracker[name])


def _engine(number: int) -> Any:
    import llvmlite.binding as llvm

    if not _jit or number % _RENEWED == 0:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        _jit[:] = [llvm.create_lljit_compiler()]
    return _jit[0]


def load(code: Source, names: tuple[str, ...], cache: ObjectCache) -> tuple[Library, bool]:
    """The library of a module, from the cache if it is there, and whether it was."""
    depends = code.key
    if depends is None:
        return Library(to_object(code.text, code.isa), names), False
    key = key_of(depends, code.isa)
    image = cache.load(key)
    found = image is not None
    if image is None:
        image = to_object(code.text, code.isa)
        cache.store(key, image)
    return Library(image, names), found
