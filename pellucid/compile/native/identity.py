"""The identity of installed code, whether source or byte code, in folders or archives."""

from __future__ import annotations

import hashlib
import pkgutil
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec


def code_hash(packages: tuple[str, ...]) -> str | None:
    """The hash of all modules of some packages, in the form that is imported: source or byte code.

    None if a module cannot be read, or if a loaded module is not found on disk: then other code could
    have the same hash.
    """
    digest = hashlib.sha256()
    names = set()
    try:
        for package in packages:
            for spec in _modules(package):
                names.add(spec.name)
                content = _content(spec)
                digest.update(f"{spec.name} {len(content)} ".encode() + content)
    except (AttributeError, ImportError, OSError, TypeError, ValueError):
        return None
    prefixes = tuple(f"{package}." for package in packages)
    loaded = {name for name in list(sys.modules) if name in packages or name.startswith(prefixes)}
    return digest.hexdigest() if loaded and loaded <= names else None


def _modules(package: str) -> Iterator[ModuleSpec]:
    """A package and all modules below it, in order of their names. Only packages are imported."""
    spec = find_spec(package)
    if spec is None:
        raise ImportError(f"there is no {package}")
    yield spec
    folders = spec.submodule_search_locations or []
    for info in sorted(pkgutil.iter_modules(folders, f"{package}."), key=lambda info: info.name):
        if info.ispkg:
            yield from _modules(info.name)
            continue
        child = info.module_finder.find_spec(info.name, None)
        if child is None:
            raise ImportError(f"there is no {info.name}")
        yield child


def _content(spec: ModuleSpec) -> bytes:
    loader: object = spec.loader
    content: bytes = loader.get_data(spec.origin)  # type: ignore[attr-defined]
    return content
