"""Object files for Linux (ELF64, little-endian), read as far as is needed to load them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property

X86_64, AARCH64 = 62, 183
_SYMBOLS, _RELOCATIONS, _EMPTY = 2, 4, 8
_LOADED = 2


@dataclass(frozen=True)
class Section:
    """A section of the file; `loaded` if it is part of the program's memory."""

    kind: int
    flags: int
    content: bytes
    link: int
    info: int
    align: int

    @property
    def loaded(self) -> bool:
        return bool(self.flags & _LOADED)


@dataclass(frozen=True)
class Symbol:
    """A named offset in a section; section 0 is outside the object."""

    name: str
    section: int
    value: int


@dataclass(frozen=True)
class Relocation:
    """An instruction or a word that depends on the address of a symbol."""

    section: int
    offset: int
    kind: int
    symbol: Symbol
    addend: int


class Object:
    """A relocatable object file."""

    def __init__(self, image: bytes) -> None:
        assert image[:6] == b"\x7fELF\x02\x01"
        self.machine = struct.unpack_from("<H", image, 18)[0]
        (start,) = struct.unpack_from("<Q", image, 40)
        size, count = struct.unpack_from("<HH", image, 58)
        self.sections = [self._section(image, start + i * size) for i in range(count)]

    def _section(self, image: bytes, at: int) -> Section:
        row = struct.unpack_from("<IIQQQQIIQQ", image, at)
        _, kind, flags, _, offset, size, link, info, align, _ = row
        content = bytes(size) if kind == _EMPTY else image[offset : offset + size]
        return Section(kind, flags, content, link, info, max(align, 1))

    @cached_property
    def symbols(self) -> list[Symbol]:
        (table,) = [section for section in self.sections if section.kind == _SYMBOLS]
        names = self.sections[table.link].content
        symbols = []
        for name, _, _, section, value, _ in struct.iter_unpack("<IBBHQQ", table.content):
            symbols.append(Symbol(names[name : names.index(0, name)].decode(), section, value))
        return symbols

    @property
    def undefined(self) -> set[str]:
        """Names of symbols that the object needs from outside."""
        return {symbol.name for symbol in self.symbols if not symbol.section and symbol.name}

    @property
    def relocations(self) -> list[Relocation]:
        relocations = []
        for section in self.sections:
            if section.kind != _RELOCATIONS or not self.sections[section.info].loaded:
                continue
            for offset, info, addend in struct.iter_unpack("<QQq", section.content):
                symbol = self.symbols[info >> 32]
                relocations.append(
                    Relocation(section.info, offset, info & 2**32 - 1, symbol, addend)
                )
        return relocations
