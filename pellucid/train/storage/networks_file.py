"""Networks in a file, by name, without anything that turns data into their inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import check, nn, schema
from pellucid.errors import ModelFileError
from pellucid.nn.saved import packed, restored
from pellucid.train.storage import container

KIND = "networks"
_CONTENT = schema.record(
    networks=schema.items(schema.text(200), least=1), details=schema.mapping(schema.anything)
)


class Networks:
    """Named networks, and plain JSON about how they were trained."""

    def __init__(
        self, networks: Mapping[str, nn.Module], details: Mapping[str, Any] | None = None
    ) -> None:
        self.networks = dict(networks)
        self.details: dict[str, Any] = dict(details or {})

    def save(self, path: Path) -> None:
        """Write one file that holds everything, atomically."""
        arrays = {
            name: np.frombuffer(packed(net)[0], np.uint8) for name, net in self.networks.items()
        }
        content = {"networks": list(self.networks), "details": self.details}
        container.write(path, arrays, content, KIND)

    @classmethod
    def load(cls, path: Path, parts: Sequence[type[Any]] = ()) -> Networks:
        """The networks of a file; see `load_networks`."""
        arrays, details = container.read(path, KIND)
        try:
            content = _CONTENT(details, "its description")
            if set(content["networks"]) != set(arrays):
                raise ModelFileError("its networks are not those that it describes")
            networks = {
                name: restored(arrays[name].tobytes(), *parts) for name in content["networks"]
            }
        except ModelFileError as error:
            raise ModelFileError(f"{path}: {str(error).rstrip('.')}.") from error
        return cls(networks, content["details"])


def save_networks(networks: Mapping[str, nn.Module] | nn.Module, path: str | Path) -> None:
    """Write networks to one file, atomically: structure, parameters and buffers, no code.

    networks: by name; a single one gets the name "network". Raises TypeError for a network whose
    settings a file cannot hold.
    """
    named = {"network": networks} if isinstance(networks, nn.Module) else networks
    if not isinstance(named, Mapping) or not named:
        raise TypeError(f"save_networks takes networks by name, got {check.brief(networks)}")
    for name, net in named.items():
        if not isinstance(name, str) or not isinstance(net, nn.Module):
            raise TypeError(f"save_networks takes networks by name, got {check.brief(networks)}")
    Networks(named).save(Path(path))


def load_networks(path: str | Path, *, parts: Sequence[type[Any]] = ()) -> dict[str, nn.Module]:
    """The networks of a file that `save_networks`, or a run of `fit_step`, has written, by name.

    parts: classes of your own in them that are defined in another module than when they were saved.
    No code is loaded from the file. Raises ModelFileError if it is damaged, or names a class that is
    not defined.
    """
    if isinstance(parts, type):
        raise TypeError(f"parts is a list of classes: write parts=[{parts.__name__}]")
    return Networks.load(Path(path), parts).networks
