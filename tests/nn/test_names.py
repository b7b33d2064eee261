"""Every public part is described: by a docstring of its own and on its page of the documentation."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pellucid import nn, optim

DOCS = Path(__file__).parents[2] / "docs"
BASES = (nn.Module, nn.Loss, nn.Initializer, optim.Optimizer, optim.Schedule)


def parts(module: ModuleType, *kinds: type[Any]) -> list[type[Any]]:
    """The public classes of these kinds, without the kinds themselves."""
    found = [getattr(module, name) for name in module.__all__]
    return [x for x in found if isinstance(x, type) and issubclass(x, kinds) and x not in BASES]


ALL = [
    *parts(nn, nn.Module, nn.Loss, nn.Initializer),
    *parts(optim, optim.Optimizer, optim.Schedule),
]


@pytest.mark.parametrize("part", ALL, ids=lambda part: part.__name__)
def test_a_docstring_of_its_own_names_what_can_be_set(part: type[Any]) -> None:
    own = part.__dict__.get("__doc__") or ""
    assert own and not own.startswith(f"{part.__name__}(")
    said = " ".join(base.__doc__ or "" for base in part.__mro__)
    twin = re.findall(r"(?:those of|as in|As) `(\w+)`", said)
    others = [getattr(nn, name, None) or getattr(optim, name, None) for name in twin]
    said += " ".join(getattr(other, "__doc__", "") or "" for other in others)
    settings = [f.name for f in fields(part) if f.init] if is_dataclass(part) else []
    plain = {"layers", "fill", "brightness", "contrast", "saturation"}
    missing = [
        name for name in settings if name not in plain and not re.search(rf"\b{name}(?!\w)", said)
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("page", "named"),
    [
        ("layers.md", parts(nn, nn.Module, nn.Loss)),
        ("training.md", parts(optim, optim.Optimizer, optim.Schedule)),
    ],
)
def test_every_part_is_on_its_page(page: str, named: list[type[Any]]) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    aliases = {"GradientDescent": "SGD"}
    names = [aliases.get(part.__name__, part.__name__) for part in named]
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []
