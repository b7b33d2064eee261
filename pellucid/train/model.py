"""A trained network with what it needs to be used: preparation, classes, structure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import nn
from pellucid.data import Note, Preparation, Table, read_table
from pellucid.data.class_scores import most_probable_class, probabilities
from pellucid.data.note import counted
from pellucid.data.task import is_beyond
from pellucid.errors import DataError, ModelFileError, NotFiniteError, warn
from pellucid.graph import Array
from pellucid.nn.inputs import taken
from pellucid.parts import Copied
from pellucid.spec import described as structure
from pellucid.train import metrics
from pellucid.train.inputs import arrays, kinds
from pellucid.train.inputs.kinds import check_rows, like
from pellucid.train.inputs.labels import Label, codes_of, label_array
from pellucid.train.kept import joined, kept_columns
from pellucid.train.member import Member
from pellucid.train.plain import to_plain
from pellucid.train.scores.held_out import used_columns
from pellucid.train.scores.on_table import table_scores
from pellucid.train.scores.reference import Reference
from pellucid.train.scores.report import Scores
from pellucid.train.storage import container, described

__all__ = ["Label", "Member", "Model", "probabilities"]


class Model(Copied):
    """One network that predicts, or several whose predictions are averaged.

    members: the networks. All predict the same; those of a table each learned its preparation from
             their own training rows.
    classes: for a classification the label of each output, in order; None for a regression.
    details: plain JSON about how it was trained (metrics, choices); free of clock times.
    labels:  the NumPy type that the labels came in, where they would not have it by themselves.
    reference: baselines and hashes of the training rows, of a model of a table.
    """

    def __init__(
        self,
        members: Sequence[Member],
        classes: tuple[Label, ...] | None = None,
        details: Mapping[str, Any] | None = None,
        labels: str | None = None,
        reference: Reference | None = None,
    ) -> None:
        self.members = tuple(members)
        self.reference = reference
        self.classes = classes
        self.labels = labels
        self.details: dict[str, Any] = dict(details or {})

    @property
    def net(self) -> nn.Module:
        """The network, or the first of several."""
        return self.members[0].net

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input of `net`, without the batch axis; a TypeError if it takes several."""
        return self.members[0].input_shape

    @property
    def preparation(self) -> Preparation | None:
        """What turns a table into inputs of `net`; None for a model of arrays."""
        return self.members[0].preparation

    @property
    def is_classification(self) -> bool:
        """Whether it predicts classes."""
        return self.classes is not None

    # -- prediction -----------------------------------------------------------------------------

    def predict(self, data: Any, notes: list[Note] | None = None) -> Array:
        """Labels or values, shape (n,), for an array (n, …) or, if it was trained on one, a table.

        A network of several inputs takes a tuple or dict of arrays, as in `fit`. Labels have the type
        of those in training. A table is a path, a data frame, a mapping of columns or a `Table`.
        Raises DataError if the data do not fit the model, as where an array holds values that are
        missing, infinite or too large for float32 (a table's are filled in), and NotFiniteError where
        the network puts out what is not finite. `notes` receives what was noticed in a table.
        """
        if self.classes is not None:
            return self.labels_of(self.predict_proba(data, notes))
        return np.asarray(
            np.mean(
                [_values(m, m.finite_outputs(d, n)) for m, d, n in self._each(data, notes)], axis=0
            )
        )

    def predict_proba(self, data: Any, notes: list[Note] | None = None) -> Array:
        """Class probabilities, float64, shape (n, classes), in the order of `classes`."""
        if self.classes is None:
            raise TypeError("a regression has no class probabilities")
        each = [probabilities(m.finite_outputs(d, n)) for m, d, n in self._each(data, notes)]
        return np.asarray(np.mean(each, axis=0))

    def predict_table(
        self, data: Any, keep: Sequence[str] = (), notes: list[Note] | None = None
    ) -> dict[str, Array]:
        """The predictions for a table as named columns, which any library of data frames takes.

        First the columns of the table that `keep` names, as "NAME (actual)" if it is the target. Then
        the prediction, named as the target, and for a classification the probability of each class.
        Raises DataError for a column that is not there, and as `predict` does.
        """
        if self.preparation is None:
            raise TypeError("predict_table is for a model of a table: use predict")
        table, target = read_table(data, form=self.preparation.form), self.preparation.target_name
        kept = kept_columns(table, keep, target)
        if self.classes is None:
            predicted = {target: self.predict(table, notes)}
        else:
            chances = self.predict_proba(table, notes)
            predicted = {target: self.labels_of(chances)}
            predicted |= {f"{target}={c}": chances[:, n] for n, c in enumerate(self.classes)}
        return joined(kept, predicted)

    def labels_of(self, class_probabilities: Array) -> Array:
        """The likeliest label of each row of `predict_proba`."""
        assert self.classes is not None
        indices = most_probable_class(np.asarray(class_probabilities))
        if (indices < 0).any():
            row = int(np.argmax(indices < 0))
            raise NotFiniteError(f"The probabilities of row {row} are no numbers: it has no class.")
        texts = isinstance(self.classes[0], str) and self.preparation is not None
        return label_array(self.classes, "O" if texts else self.labels)[indices]

    def evaluate(
        self, data: Any, target: Any = None, notes: list[Note] | None = None
    ) -> dict[str, float | None]:
        """Metrics on a table with its target column, or on an array with `target`.

        Rows without a target are left out: of an array with a warning, of a table with a note.
        `notes` receives what was noticed in a table. Raises as `predict` does.
        """
        if self.preparation is None:
            if target is None:
                raise ValueError("evaluate takes the targets of an array: evaluate(X, y)")
            x, y = self._known(data, target)
            if self.classes is None:
                return metrics.regression(*_paired(y, self.predict(x)))
            return metrics.classification(self.codes_of(y), self.predict_proba(x))
        return self.scores(data, notes).values

    def scores(self, data: Any, notes: list[Note] | None = None) -> Scores:
        """Metrics on a table with its target column, with 95% intervals and beside baselines.

        The baselines are those of the training rows: the commonest class or the mean, and a linear
        model. `notes` receives what was noticed, such as rows that the model was trained on.
        """
        preparations = [m.preparation for m in self.members if m.preparation is not None]
        if not preparations:
            raise TypeError("scores are those of a model of a table: evaluate(X, y) takes arrays")
        table = read_table(data, form=preparations[0].form, keep_rows=False)
        table = self._with_target(table, notes)
        predict = self.predict if self.classes is None else self.predict_proba
        scores = table_scores(table, predict(table, notes), preparations, self.reference)
        if self.reference is not None and notes is not None:
            names = [*used_columns(preparations[0]), preparations[0].target_name]
            seen = self.reference.note_on(table, names)
            notes.extend([seen] if seen else [])
        return scores

    def codes_of(self, labels: Any) -> Array:
        """The place of each label in `classes`; raises DataError for one that is not there."""
        y, missing = arrays.targets(labels, len(labels), "y")
        if missing.any():
            raise DataError(f"The label of row {int(np.argmax(missing))} is missing.")
        floats = y.dtype.kind == "f" and np.dtype(self.labels).kind == "f" if self.labels else False
        return codes_of(y.astype(self.labels) if floats else y, self.classes or (), "y")

    def _known(self, data: Any, target: Any) -> tuple[Any, Array]:
        """The rows of arrays that have a target."""
        x = like(data, self.members[0].kinds, "X")
        y, missing = arrays.targets(target, check_rows(x, "X"), "y")
        known = ~missing.reshape(len(y), -1).any(axis=1)
        if known.all():
            return x, y
        if not known.any():
            raise DataError("Every target is missing: there is nothing to compare with.")
        text = f"y is missing in {counted(int((~known).sum()), 'row')}, left out."
        warn(text)
        return taken(x, known), y[known]

    def _with_target(self, table: Table, notes: list[Note] | None) -> Table:
        """The rows of a table that have a target."""
        assert self.preparation is not None
        name = self.preparation.target_name
        column = table.column(name)
        missing = column.missing() | (is_beyond(column) & (self.classes is None))
        if not missing.any() or missing.all():
            return table
        count = int(missing.sum())
        if notes is not None:
            text = f"{counted(count, 'row')} without a value of '{name}' left out."
            notes.append(Note(name, text, count))
        return table.take(~missing)

    def _each(
        self, data: Any, notes: list[Note] | None
    ) -> Iterator[tuple[Member, Any, list[Note] | None]]:
        """Every member with the data; a table is read, and noticed upon, once."""
        if self.preparation is not None:
            data = read_table(data, form=self.preparation.form)
            if notes is not None:
                notes.extend(self.preparation.concerning(data.notes))
        for number, member in enumerate(self.members):
            yield member, data, notes if number == 0 else None

    # -- files ----------------------------------------------------------------------------------

    def check_plain(self) -> None:
        """Raise TypeError or ValueError, naming the part, if a model file cannot hold the model."""
        json.dumps(to_plain(self.to_json()), allow_nan=False)

    def save(self, path: str | Path) -> None:
        """Write one file that holds everything, atomically; the same model gives the same bytes."""
        container.write(Path(path), self.arrays(), self.to_json(), "model")

    def arrays(self) -> dict[str, Array]:
        """Every parameter and buffer, by the member's number and its path."""
        networks = {
            f"{number}/{path}": array
            for number, member in enumerate(self.members)
            for path, array in member.net.state_dict().items()
        }
        return networks if self.reference is None else networks | self.reference.arrays()

    def to_json(self) -> dict[str, Any]:
        """Everything but the arrays, as plain JSON values."""
        return {
            "members": [
                {
                    "net": member.net.to_spec(),
                    "input_shape": kinds.to_json(member.kinds),
                    "preparation": member.preparation and member.preparation.to_json(),
                }
                for member in self.members
            ],
            "classes": None if self.classes is None else list(self.classes),
            "details": self.details,
            **({} if self.labels is None else {"labels": self.labels}),
            **({} if self.reference is None else {"reference": self.reference.to_json()}),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        own = dict.fromkeys(kind for m in self.members for kind in structure(m.net)[1])
        own |= dict.fromkeys(
            k for m in self.members if m.preparation for k in m.preparation.own_parts
        )
        return _restored, (container.pack(self.arrays(), self.to_json(), "model"), *own)

    @classmethod
    def load(
        cls, path: str | Path, *, parts: Sequence[type[Any]] = (), trusted: bool = False
    ) -> Model:
        """Read a model file, running no code of it; raises ModelFileError naming what is wrong.

        parts:   classes of one's own in its network, where they are not defined under the names that
                 they had when it was saved.
        trusted: read a network of any size (see `pellucid.limits`).
        """
        if isinstance(parts, type):
            raise TypeError(f"parts is a list of classes: write parts=[{parts.__name__}]")
        arrays, content = container.read(Path(path), "model")
        return cls.from_parts(arrays, content, str(path), parts=parts, trusted=trusted)

    @classmethod
    def from_parts(
        cls,
        arrays: Mapping[str, Array],
        content: Mapping[str, Any],
        name: str,
        *,
        parts: Sequence[type[Any]] = (),
        trusted: bool = False,
    ) -> Model:
        """The model that `to_json` and `arrays` describe; see `load`."""
        try:
            return cls(*described.read(arrays, content, parts, trusted))
        except ModelFileError as error:
            raise ModelFileError(f"{name}: {str(error).rstrip('.')}.") from error


def _restored(content: bytes, *own: type[Any]) -> Model:
    """The model of a pickle, which holds the bytes of its file."""
    arrays, described_as = container.unpack(content, "model", "The pickle")
    return Model.from_parts(arrays, described_as, "The pickle", parts=own, trusted=True)


def _paired(values: Array, predicted: Array) -> tuple[Array, Array]:
    """Targets of a regression and what is predicted of each."""
    if values.dtype.kind not in "fiub":
        raise DataError("y holds texts, but the model predicts numbers.")
    if values.size != predicted.size:
        raise DataError(f"y has shape {values.shape}, but the model predicts {predicted.shape}.")
    return values.reshape(-1), predicted.reshape(-1)


def _values(member: Member, outputs: Array) -> Array:
    """Outputs of a regression in the unit of the target."""
    if member.preparation is not None:
        return np.asarray(member.preparation.decode(outputs))
    return outputs[:, 0] if outputs.ndim == 2 and outputs.shape[1] == 1 else outputs
