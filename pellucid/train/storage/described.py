"""What a model file says, checked: networks, preparations and classes that belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pellucid import nn, schema
from pellucid.data import Preparation
from pellucid.errors import ModelFileError
from pellucid.graph import Array, Shape
from pellucid.limits import USUAL, limited, put_out
from pellucid.train.inputs import kinds
from pellucid.train.inputs.kinds import Kind
from pellucid.train.inputs.labels import Label, key_of, label_array, type_of_labels
from pellucid.train.member import Member
from pellucid.train.scores.reference import PREFIX, Reference, reference_from

_HUGE = 10**4300
_LABELS = {
    bool: schema.flag,
    int: schema.whole(-_HUGE, _HUGE),
    float: schema.number(),
    str: schema.text(),
}


def _label(value: Any, where: str) -> Label:
    """A text, a number, true or false."""
    if type(value) not in _LABELS:
        raise schema.refuse(where, "a text, a number, true or false", value)
    label: Label = _LABELS[type(value)](value, where)
    return label


_MEMBER = schema.record(
    net=schema.anything,
    input_shape=kinds.from_json,
    preparation=schema.optional(schema.anything),
)
_MODEL = schema.record(
    members=schema.items(_MEMBER, least=1, most=1000),
    classes=schema.optional(schema.items(_label, least=2)),
    details=schema.mapping(schema.anything),
    labels=schema.optional(schema.text(7)),
    reference=schema.optional(schema.anything),
)
_LONGEST = 400


def read(
    arrays: Mapping[str, Array], content: Any, parts: Sequence[type[Any]], trusted: bool
) -> tuple[list[Member], tuple[Label, ...] | None, dict[str, Any], str | None, Reference | None]:
    """Members, classes, details, the type of labels and the reference that a model file says.

    Raises ModelFileError saying what is wrong.
    """
    fields = _MODEL(content, "its description")
    own: list[dict[str, Array]] = [{} for _ in fields["members"]]
    of_reference = {name: each for name, each in arrays.items() if name.startswith(PREFIX)}
    for name, array in arrays.items():
        if name in of_reference:
            continue
        number, _, path = name.partition("/")
        if number not in map(str, range(len(own))):
            raise ModelFileError(f"no network has the array {name[:60]!r}")
        own[int(number)][path] = array
    labels = _labels(fields["classes"])
    members: list[Member] = []
    outputs: list[Shape] = []
    with limited(None if trusted else USUAL):
        for entry, values in zip(fields["members"], own, strict=True):
            net, shape = _network(entry, values, parts)
            preparation = entry["preparation"]
            prepared = None if preparation is None else Preparation.from_json(preparation, parts)
            members.append(Member(net, entry["input_shape"], prepared))
            outputs.append(shape)
    _agree(members, labels, outputs)
    features = [len(m.preparation.feature_names) if m.preparation else 0 for m in members]
    reference = reference_from(fields["reference"], of_reference, features, len(labels or ()))
    return members, labels, fields["details"], _type(fields["labels"], labels), reference


def _network(
    entry: Mapping[str, Any], values: Mapping[str, Array], parts: Sequence[type[Any]]
) -> tuple[nn.Module, Shape]:
    """The network of an entry, and the shape of what it puts out for one row."""
    room = sum(array.size for array in values.values())
    net = nn.from_spec(entry["net"], parts, room)
    try:
        with nn.evaluation() as seen:
            net.build(kinds.examples(entry["input_shape"]), values=values)
    except ModelFileError:
        raise
    except Exception as error:
        # Layers meet shapes that nobody had in mind, and those of one's own may raise anything.
        reason = " ".join(str(error).split())[:_LONGEST] or type(error).__name__
        raise ModelFileError(f"its network cannot be built: {reason}") from error
    shape = seen.activations[""].shape
    put_out(shape)
    return net, shape


def _labels(classes: list[Label] | None) -> tuple[Label, ...] | None:
    if classes is None:
        return None
    if len({key_of(label) for label in classes}) < len(classes):
        raise ModelFileError("its classes should be different")
    return tuple(classes)


def _type(value: str | None, classes: tuple[Label, ...] | None) -> str | None:
    """The NumPy type of the labels, which holds the classes."""
    if value is None:
        return None
    try:
        held = label_array(classes or (), value).tolist() if type_of_labels(value) == value else []
    except (ValueError, TypeError, OverflowError):
        held = []
    texts = [label.decode() if isinstance(label, bytes) else label for label in held]
    if not classes or [(type(t), t) for t in texts] != [(type(c), c) for c in classes]:
        raise ModelFileError("its labels are not of the type that it says")
    return value


def _agree(
    members: Sequence[Member], labels: tuple[Label, ...] | None, outputs: Sequence[Shape]
) -> None:
    """Raise unless the networks take and put out what the model needs, all of them the same."""
    for member, shape in zip(members, outputs, strict=True):
        prepared = member.preparation
        if (prepared is None) != (members[0].preparation is None):
            raise ModelFileError("some of its networks have a preparation, others have none")
        if prepared is not None and prepared.labels != (labels or ()):
            raise ModelFileError("its networks do not predict the same classes")
        if prepared is not None and member.kinds != Kind((len(prepared.feature_names),)):
            raise ModelFileError("its network does not take what its preparation makes")
        single = shape in ((1,), (1, 1))
        if labels is not None:
            fits = shape == (1, len(labels)) or (single and len(labels) == 2)
        else:
            fits = single if prepared is not None else shape[:1] == (1,)
        if not fits or shape != outputs[0]:
            raise ModelFileError(
                f"its network puts out a value of shape {shape} for a row, which does not fit what "
                "it predicts"
            )
