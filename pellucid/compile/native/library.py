"""Object code loaded into the process."""

from __future__ import annotations

import itertools
from typing import Any

from pellucid.compile.native.assemble import to_object
from pellucid.compile.native.cache import ObjectCache, key_of
from pellucid.compile.native.isa import Isa

_numbers = itertools.count()
_jit: list[Any] = []


class Library:
    """Loaded machine code; it stays in memory as long as this object lives."""

    def __init__(self, image: bytes, names: tuple[str, ...]) -> None:
        import llvmlite.binding as llvm

        builder = llvm.JITLibraryBuilder().add_object_img(image)
        for name in names:
            builder.export_symbol(name)
        self._tracker = builder.link(_engine(), f"pellucid{next(_numbers)}")

    def address(self, name: str) -> int:
        """The address of an exported function."""
        return int(self._tracker[name])


def _engine() -> Any:
    import llvmlite.binding as llvm

    if not _jit:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        _jit.append(llvm.create_lljit_compiler())
    return _jit[0]


def load(text: str, isa: Isa, names: tuple[str, ...], cache: ObjectCache) -> tuple[Library, bool]:
    """The library of a module, from the cache if it is there, and whether it was."""
    key = key_of(text, isa)
    image = cache.load(key)
    found = image is not None
    if image is None:
        image = to_object(text, isa)
        cache.store(key, image)
    return Library(image, names), found
