"""Container: what networks that hold layers by name have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from pellucid import check
from pellucid.nn.describe import block
from pellucid.nn.module import Module


@dataclass(eq=False, repr=False, init=False)
class Container(Module, abstract=True):
    """Layers in order, named by their position, by keyword, or as a dict.

    `container[0]`, `container["hidden"]`, `len(container)` and iteration see the layers.
    """

    layers: dict[str, Module]

    def __init__(self, *layers: Module | Mapping[str, Module], **named: Module) -> None:
        self.layers = {}
        entries: list[tuple[str, object]] = []
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            entries.extend(layers[0].items())
        else:
            entries.extend((str(i), layer) for i, layer in enumerate(layers))
        for name, layer in [*entries, *named.items()]:
            self._add(name, layer)

    def _add(self, name: str, layer: object) -> None:
        if not isinstance(layer, Module):
            hint = ": write it with brackets" if isinstance(layer, type) else ""
            if isinstance(layer, (list, tuple)):
                hint = f": give them one by one, {type(self).__name__}(*layers)"
            got = layer.__name__ if isinstance(layer, type) else type(layer).__name__
            raise TypeError(
                f"{type(self).__name__} takes layers, got {got} as layer {name!r}{hint}"
            )
        if not isinstance(name, str) or not name or set(name) & set(".#/"):
            raise ValueError(
                f"a layer's name is text without '.', '#' and '/', got {check.brief(name)}"
            )
        if name in self.layers:
            raise ValueError(f"{type(self).__name__} has two layers named {name!r}")
        self.layers[name] = layer

    @classmethod
    def from_settings(cls, layers: dict[str, Module]) -> Self:
        """The container of these layers by name."""
        return cls(layers)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The layers by name, and what a subclass keeps in other attributes."""
        for name, child in super().named_children():
            yield name.removeprefix("layers."), child

    def __getitem__(self, key: int | str) -> Module:
        return self.layers[key] if isinstance(key, str) else list(self.layers.values())[key]

    def __len__(self) -> int:
        return len(self.layers)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers.values())

    def __repr__(self) -> str:
        lines = [
            repr(layer) if name == str(i) else f"{name}={layer!r}"
            for i, (name, layer) in enumerate(self.layers.items())
        ]
        return block(type(self).__name__, lines)
