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
    """LLVM text that is written only if its object is not in the cache."""

    @property
    def isa(self) -> Isa:
        """The target."""
        ...

    @property
    def key(self) -> str | None:
        """A hash of everything that the text depends on, None if there is none."""
        ...

    @property
    def text(self) -> str:
        """The text of the module."""
        ...


@dataclass(frozen=True)
class Text:
    """A module whose text exists already."""

    text: str
    isa: Isa

    @property
    def key(self) -> str:
        """The hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


_numbers = itertools.count()
_jit: list[Any] = []
_LIBRARIES_PER_ENGINE = 64
"""An engine frees the memory of its libraries only with itself, so it links no more than these."""


class Library:
    """Loaded machine code, which stays in memory as long as this object lives."""

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

    if not _jit or number % _LIBRARIES_PER_ENGINE == 0:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        _jit[:] = [llvm.create_lljit_compiler()]
    return _jit[0]


def load(code: Source, names: tuple[str, ...], cache: ObjectCache) -> tuple[Library, bool]:
    """The library of a module, and whether its object came from the cache."""
    text_key = code.key
    if text_key is None:
        return Library(to_object(code.text, code.isa), names), False
    key = key_of(text_key, code.isa)
    image = cache.load(key)
    from_cache = image is not None
    if image is None:
        image = to_object(code.text, code.isa)
        cache.store(key, image)
    return Library(image, names), from_cache
