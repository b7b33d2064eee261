"""What is tested here is the reference, whatever executor is the default."""

from collections.abc import Iterator

import pytest

from pellucid.graph import Reference, using


@pytest.fixture(autouse=True, scope="module")
def _reference() -> Iterator[None]:
    with using(Reference()):
        yield
