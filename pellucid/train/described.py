"""What a model file says, checked: networks, preparations and classes that belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pellucid import nn, schema
from pellucid.data import Preparation
from pellucid.errors import ModelFileError
from pellucid.graph import Array, Shape
from pellucid.limits import USUAL, limited, put_out
from pellucid.train.member import Member

Label = str | int | float | bool

_LABELS = {
    bool: schema.flag,
    int: schema.whole(-(2**63), 2**63 - 1),
    float: schema.number(),
    str: schema.text(),
}


def _label(value: Any, where: str) -> Label:
    """A text, a number, true or false."""
    if type(value) not in _LABELS:
        raise schema.refuse(where, "a text, a number, true or false", value)
    found: Label = _LABELS[type(value)](value, where)
    return found


_MEMBER = schema.record(
    net=schema.anything,
    input_shape=schema.items(schema.whole(1), most=31),
    preparation=schema.optional(schema.anything),
)
_MODEL = schema.record(
    members=schema.items(_MEMBER, least=1, most=1000),
    classes=schema.optional(schema.items(_label, least=2)),
    details=schema.mapping(schema.anything),
)
_LONGEST = 400


def read(
    arrays: Mapping[str, Array], content: Any, parts: Sequence[type[Any]], trusted: bool
) -> tuple[list[Member], tuple[Label, ...] | None, dict[str, Any]]:
    """Members, classes and details of a model file; raises ModelFileError saying what is wrong."""
    found = _MODEL(content, "its description")
    own: list[dict[str, Array]] = [{} for _ in found["members"]]
    for name, array in arrays.items():
        number, _, path = name.partition("/")
        if number not in map(str, range(len(own))):
            raise ModelFileError(f"no network has the array {name[:60]!r}")
        own[int(number)][path] = array
    labels = _labels(found["classes"])
    members: list[Member] = []
    outputs: list[Shape] = []
    with limited(None if trusted else USUAL):
        for entry, values in zip(found["members"], own, strict=True):
            net, shape = _network(entry, values, parts)
            preparation = entry["preparation"]
            prepared = None if preparation is None else Preparation.from_json(preparation)
            members.append(Member(net, tuple(entry["input_shape"]), prepared))
            outputs.append(shape)
    _agree(members, labels, outputs)
    return members, labels, found["details"]


def _network(
    entry: Mapping[str, Any], values: Mapping[str, Array], parts: Sequence[type[Any]]
) -> tuple[nn.Module, Shape]:
    """The network of an entry, and the shape of what it puts out for one row."""
    room = sum(array.size for array in values.values())
    net = nn.from_spec(entry["net"], parts, room)
    try:
        with nn.evaluation() as seen:
            net.build(entry["input_shape"], values=values)
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
    if len({type(label) for label in classes}) > 1 or len(set(classes)) < len(classes):
        raise ModelFileError("its classes should be different, and of one type")
    return tuple(classes)


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
        if prepared is not None and member.input_shape != (len(prepared.feature_names),):
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
