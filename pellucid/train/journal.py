"""Keeping records in memory and, for a run with a folder, in its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pellucid.train.records import ProbeBlock, Record, RecordFile, Records, Value, read_records
from pellucid.train.storage.checkpoint import Position
from pellucid.train.storage.files import make_folder
from pellucid.train.storage.folder import RECORDS


class Journal:
    """The records of one network of a run."""

    def __init__(self, folder: Path | None, network: int) -> None:
        self.records = Records()
        self._folder = folder
        self._network = network
        self._file: RecordFile | None = None

    def open(self, position: Position) -> None:
        """Begin to write, after what was recorded up to this position."""
        if self._folder is None:
            return
        make_folder(self._folder)
        path = self._folder / RECORDS
        if position.history:
            self._file = RecordFile(path, position.records)
            self.records.add([r for r in read_records(path) if r.network == self._network])
        else:
            self._file = RecordFile(path, self._before(path))
        position.records = self._file.size

    def _before(self, path: Path) -> int:
        """Bytes of the records of the networks before this one."""
        if self._network == 0 or not path.exists():
            return 0
        size = 0
        for line in path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n") or f'"network": {self._network},'.encode() in line:
                break
            size += len(line)
        return size

    def close(self) -> None:
        """Nothing more is recorded."""
        if self._file is not None:
            self._file.close()

    def flush(self) -> None:
        """Have all records in the file, as a checkpoint that counts its bytes needs."""
        if self._file is not None:
            self._file.flush()

    def add(self, position: Position, records: Sequence[Record] | ProbeBlock) -> None:
        """Record what was measured."""
        self.records.add(records)
        if self._file is not None:
            self._file.write(records)
            position.records = self._file.size

    def values(
        self, step: int, epoch: int, values: Mapping[str, Value], path: str = ""
    ) -> list[Record]:
        """Records of values that were measured after so many steps and complete epochs, by name."""
        return [
            Record(step, epoch, self._network, path, name, value) for name, value in values.items()
        ]
