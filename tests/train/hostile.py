"""Small files, sealed as ours are, that ask for more than anyone has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from pellucid.container import FORMAT, VERSION, seal
from pellucid.graph import Array

Spec = dict[str, Any]


def sequential(*layers: Spec) -> Spec:
    return {"type": "Sequential", "layers": [[str(i), layer] for i, layer in enumerate(layers)]}


def shared(where: str) -> Spec:
    return {"type": "Shared", "with": where}


def doubled(inner: Spec, times: int, kind: str = "Sequential") -> Spec:
    """2^times uses of one part: each level holds the one below twice."""
    where, spec = "net" + ".layers.a" * times, inner
    for _ in range(times):
        spec = {"type": kind, "layers": [["a", spec], ["b", shared(where)]]}
        where = where.removesuffix(".layers.a")
    return spec


def chain(kind: str, times: int, setting: str = "block") -> Spec:
    spec: Spec = {"type": "ReLU"}
    for _ in range(times):
        spec = {"type": kind, setting: spec}
    return spec


def text_of(net: Any, shape: Any, **more: Any) -> str:
    member = {"net": net, "input_shape": shape, "preparation": None}
    details = {"members": [member], "classes": None, "details": {}, **more}
    body = {"format": FORMAT, "version": VERSION, "kind": "model", "details": details}
    return json.dumps(body)


def file_of(net: Any, shape: Any, arrays: dict[str, Array] | None = None) -> bytes:
    return seal(arrays or {}, text_of(net, shape))


def weights(**shapes: tuple[int, ...]) -> dict[str, Array]:
    return {f"0/0.{name}": np.zeros(shape, np.float32) for name, shape in shapes.items()}


GRU = weights(W_x=(1, 3), W_h=(1, 3), b=(3,), b_n=(1,))
LSTM = weights(W_x=(1, 4), W_h=(1, 4), b=(4,))
BIG = 2**52
LINEAR: Spec = {"type": "Linear", "features": 3}


def networks() -> Iterator[tuple[str, bytes]]:
    """Networks that take too many operations, too much memory, or none that there is."""
    for kind in ("Sequential", "Sum", "Parallel"):
        yield f"2^50 of nothing in {kind}", file_of(doubled({"type": "ReLU"}, 50, kind), [3])
    yield "2^50 empty ones", file_of(doubled(sequential(), 50), [3])
    yield "2^50 dropouts", file_of(doubled({"type": "Dropout"}, 50), [3])
    inner = doubled({"type": "Dropout"}, 45)
    yield "an activation of 2^45", file_of({"type": "FeedForward", "activation": inner}, [3])
    yield "a left side of 2^45", file_of({"type": "Bilinear", "features": 1, "left": inner}, [3])
    for steps in (30_000, 2**26):
        yield f"GRU of {steps}", file_of(sequential({"type": "GRU", "units": 1}), [steps, 1], GRU)
        yield (
            f"LSTM of {steps}",
            file_of(sequential({"type": "LSTM", "units": 1}), [steps, 1], LSTM),
        )
    for pool in ("AdaptiveMaxPool2d", "AdaptiveAveragePool2d"):
        for size in (1_000, [1, BIG], 10**9):
            yield f"{pool} of {size}", file_of(sequential({"type": pool, "size": size}), [4, 4, 1])
    for mode in ("nearest", "linear"):
        for factor in (10**5, BIG):
            layer = {"type": "Upsample", "factor": factor, "mode": mode}
            yield f"{mode} {factor}", file_of(sequential(layer), [9, 9, 9])
        layer = {"type": "Upsample", "factor": 2, "mode": mode}
        yield f"{mode} often", file_of(sequential(*[layer] * 40), [9, 9, 9])
    yield "wide", file_of(sequential({"type": "Linear", "features": 10**9}), [9])
    yield "wide at the input", file_of(sequential(LINEAR), [10**12])
    for kind in ("BatchNorm", "LayerNorm", "RMSNorm", "GroupNorm", "InstanceNorm", "PReLU"):
        yield f"{kind} of a terabyte", file_of(sequential({"type": kind}), [4, 10**12])
        yield f"{kind} without arrays", file_of(sequential({"type": kind}), [4, 10**7])
    for kind in ("SinusoidalPositions", "LearnedPositions"):
        yield f"{kind} of a terabyte", file_of(sequential({"type": kind}), [10**6, 10**6])
        yield f"{kind} of much", file_of(sequential({"type": kind}), [10**4, 10**4])
    yield (
        "embedding",
        file_of(sequential({"type": "Embedding", "count": BIG, "features": BIG}), [3]),
    )
    yield "heads", file_of(sequential({"type": "MultiHeadAttention", "heads": BIG}), [3, 3])
    yield "far attention", file_of(sequential({"type": "TransformerBlock", "heads": 1}), [10**6, 4])
    yield "block", file_of(sequential({"type": "TransformerBlock", "heads": BIG}), [3, BIG])
    yield "wide inside", file_of(sequential({"type": "FeedForward", "expansion": BIG}), [4])
    shortcut = {"type": "PaddedShortcut", "features": BIG, "stride": 1}
    yield "shortcut", file_of(sequential(shortcut), [9, 9, 1])
    yield "less of a shortcut", file_of(sequential({**shortcut, "features": 6 * 10**6}), [9, 9, 1])
    yield "axes", file_of(sequential({"type": "Reshape", "shape": [1] * 1000}), [1])
    yield "axes at the input", file_of(sequential({"type": "ReLU"}), [1] * 33)
    yield "many axes at the input", file_of(sequential({"type": "ReLU"}), [1] * 10**5)
    one = weights(W=(1, 1, 1, 1), b=(1,))
    for setting in ("kernel_size", "stride", "padding", "dilation", "groups", "features"):
        for kind in ("Conv2d", "ConvTranspose2d"):
            layer = {"type": kind, "features": 1, "kernel_size": 1, setting: BIG}
            yield f"{kind} {setting}", file_of(sequential(layer), [9, 9, 1], one)
            layer[setting] = 100_000
            yield f"{kind} less {setting}", file_of(sequential(layer), [9, 9, 1], one)
    for setting in ("size", "stride", "padding"):
        for kind in ("MaxPool2d", "AveragePool2d"):
            layer = {"type": kind, setting: BIG}
            yield f"{kind} {setting}", file_of(sequential(layer), [9, 9, 1])
    dense = sequential(*[{"type": "DenseConnection", "block": {"type": "ReLU"}}] * 60)
    yield "60 doublings", file_of(dense, [3])
    products = sequential(*[{"type": "Bilinear", "features": 1}] * 3)
    yield "bilinear", file_of(products, [10**6])
    for kind, setting in (("Residual", "block"), ("DenseConnection", "block")):
        for times in (100, 5_000):
            yield f"{times} deep {kind}", file_of_text(chain_text(kind, times, setting))
    yield "20,000 parts", file_of(sequential(*[{"type": "ReLU"}] * 20_000), [3])
    yield "4,000 blocks", file_of(sequential(*[{"type": "FeedForward"}] * 4_000), [3])
    named = {
        "type": "Sequential",
        "layers": [["n" * 10**6, sequential(*[{"type": "ReLU"}] * 9_000)]],
    }
    yield "a long name", file_of(named, [3])
    yield "a loop", file_of(sequential(shared("net")), [3])
    yield "tied to nothing", file_of(sequential({"type": "TiedLinear", "layer": LINEAR}), [3])
    own = {"type": "__main__:NobodyDefinedThis", "attributes": []}
    yield "code of one's own", file_of(sequential(own), [3])
    yield "code of the library", file_of({"type": "os:system", "attributes": [["x", "ls"]]}, [3])


def chain_text(kind: str, times: int, setting: str) -> str:
    """A chain as text, which `json.dumps` cannot write so deep."""
    inner = f'{{"type":"{kind}","{setting}":' * times + '{"type":"ReLU"}' + "}" * times
    return text_of("HERE", [3]).replace('"HERE"', inner)


def file_of_text(text: str, arrays: dict[str, Array] | None = None) -> bytes:
    return seal(arrays or {}, text)


def texts() -> Iterator[tuple[str, bytes]]:
    """Descriptions that are no JSON, or more than any reader should take."""
    plain = text_of(sequential({"type": "Dropout", "rate": 0.5}), [3])
    for name, new in {
        "not a number": "NaN",
        "infinity": "-Infinity",
        "a large exponent": "1e999",
        "many digits": "1" * 5_000,
        "more digits": "9" * 10**6,
        "deep lists": "[" * 10**5 + "]" * 10**5,
        "deep objects": '{"a":' * 10**5 + "1" + "}" * 10**5,
        "deep and open": "[" * 10**6,
        "half a pair": '"\\udc00"',
        "a name twice": '{"a":1,"a":2}',
    }.items():
        yield name, seal({}, plain.replace("0.5", new))
    yield "a name that is half a pair", seal({}, plain.replace('"0"', '"\\ud800"'))
    yield "empty", seal({}, "")
    yield "a number", seal({}, "7")
    yield "null", seal({}, "null")
    yield "two", seal({}, plain * 2)
    yield "cut", seal({}, plain[:-1])
    yield "no version", seal({}, plain.replace('"version": 1', '"other": 1'))
    yield "a version that is a text", seal({}, plain.replace('"version": 1', '"version": "1"'))
    yield "a later version", seal({}, plain.replace('"version": 1', '"version": 2'))
    yield "no kind", seal({}, plain.replace('"kind": "model"', '"kind": null'))
    for details in ("[]", "null", "7", '"members"', '{"members":[]}', '{"members":[null]}'):
        body = f'{{"format":"{FORMAT}","version":1,"kind":"model","details":{details}}}'
        yield f"details {details}", seal({}, body)
    for key, values in {
        "classes": ([], ["a"], ["a", "a"], [1, "a"], [[1], [2]], [2**64, 1], 7, [None, 1]),
        "details": (None, [], 7),
        "other": (1,),
    }.items():
        for value in values:
            yield f"{key} {value}", seal({}, text_of(sequential(), [3], **{key: value}))


def arrays() -> Iterator[tuple[str, bytes]]:
    """Arrays that are none of the network, or none that there can be."""
    net, w, b = sequential(LINEAR), np.zeros((3, 3), np.float32), np.zeros(3, np.float32)
    right = {"0/0.W": w, "0/0.b": b}
    changes: dict[str, dict[str, Array]] = {
        "one more": {"0/1.W": w},
        "of no network": {"1/0.W": w},
        "without a network": {"0.W": w},
        "a number written otherwise": {"00/0.W": w},
        "another shape": {"0/0.W": w[:2]},
        "turned": {"0/0.W": np.zeros((3, 4), np.float32).T},
        "whole numbers": {"0/0.W": w.astype(np.int32)},
        "half floats": {"0/0.W": w.astype(np.float16)},
        "truths": {"0/0.b": b.astype(bool)},
        "nothing": {"0/0.b": b[:0]},
        "a scalar": {"0/0.b": np.zeros((), np.float32)},
    }
    for name, change in changes.items():
        yield name, file_of(net, [3], right | change)
    yield "none", file_of(net, [3])
    yield "half of them", file_of(net, [3], {"0/0.W": w})
    content = file_of(net, [3], right)
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].decode()
    for name, old, new in (
        ("another type", '"F32"', '"F8_E4M3"'),
        ("a type that NumPy lacks", '"F32"', '"BF16"'),
        ("complex numbers", '"F32"', '"C64"'),
        ("overlapping", '"data_offsets":[36,48]', '"data_offsets":[0,12]'),
        ("a gap", '"data_offsets":[36,48]', '"data_offsets":[40,52]'),
        ("2^63", '"shape":[3]', f'"shape":[{2**63}]'),
        ("2^63 of nothing", '"shape":[3]', f'"shape":[0,{2**63}]'),
        ("negative", '"shape":[3]', '"shape":[-3,-1]'),
        ("far", "[36,48]", f"[{2**62},{2**62 + 12}]"),
        ("the other way round", "[36,48]", "[48,36]"),
        ("a name twice", '"0/0.W"', '"0/0.b"'),
        ("deep", '"shape":[3]', '"shape":' + "[" * 10**5 + "]" * 10**5),
    ):
        assert old in header, (old, header)
        changed = header.replace(old, new, 1).encode()
        yield name, len(changed).to_bytes(8, "little") + changed + content[8 + length :]
    for claimed in (0, 1, length - 1, length + 1, 2**31, 2**63, 2**64 - 1):
        yield f"a header of {claimed}", claimed.to_bytes(8, "little") + content[8:]
    utf16 = header.encode("utf-16-le")
    yield "another encoding", len(utf16).to_bytes(8, "little") + utf16 + content[8 + length :]
    wide = b"{" + b'"a":[],' * 10**5 + b'"b":1}'
    yield "many entries", len(wide).to_bytes(8, "little") + wide


HOSTILE = dict([*networks(), *texts(), *arrays()])
