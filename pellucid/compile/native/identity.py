"""What identifies code that is installed: source, byte code, in folders or archives."""

from __future__ import annotations

import hashlib
import pkgutil
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec


def code_of(packages: tuple[str, ...]) -> str | None:
    """The hash of all modules of some packages, as they are imported: source or byte code.

    None if one of them cannot be read, or if modules were loaded that are not found: the hash would
    then be the same for other code.
    """
    found = hashlib.sha256()
    names = set()
    try:
        for package in packages:
            for spec in _modules(package):
                names.add(spec.name)
                content = _content(spec)
                found.update(f"{spec.name} {len(content)} ".encode() + content)
    except (AttributeError, ImportError, OSError, TypeError, ValueError):
        return None
    below = tuple(f"{package}." for package in packages)
    loaded = {name for name in list(sys.modules) if name in packages or name.startswith(below)}
    return found.hexdigest() if loaded and loaded <= names else None


def _modules(package: str) -> Iterator[ModuleSpec]:
    """A package and all below it, in order of names; nothing is imported but packages."""
    spec = find_spec(package)
    if spec is None:
        raise ImportError(f"there is no {package}")
    yield spec
    places = spec.submodule_search_locations or []
    for info in sorted(pkgutil.iter_modules(places, f"{package}."), key=lambda info: info.name):
        if info.ispkg:
            yield from _modules(info.name)
            continue
        below = info.module_finder.find_spec(info.name, None)
        if below is None:
            raise ImportError(f"there is no {info.name}")
        yield below


def _content(spec: ModuleSpec) -> bytes:
    loader: object = spec.loader
    content: bytes = loader.get_data(spec.origin)  # type: ignore[attr-defined]
    return content
