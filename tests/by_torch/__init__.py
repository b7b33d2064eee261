"""Values of PyTorch that tests compare with: recorded in files, or computed live.

A test asks its fixture `by_torch` for what a function of PyTorch makes of arrays:

    (expected,) = by_torch(lambda x: [torch.logsumexp(x, 1)], x)
    expected.check(found, rtol=1e-12)

`make test` compares with the record and imports no PyTorch, `make test-torch` calls the function,
and `make record` writes what it returns. So `torch` and `F` here are imported at their first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tests.by_torch.plugin import ByTorch
from tests.by_torch.value import Value

if TYPE_CHECKING:
    import torch
    from torch.nn import functional as F  # noqa: N812
else:

    class _Lazily:
        """A module that is imported when something of it is first asked for."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> Any:
            return getattr(import_module(self._name), name)

    torch, F = _Lazily("torch"), _Lazily("torch.nn.functional")

__all__ = ["ByTorch", "F", "Value", "torch"]
