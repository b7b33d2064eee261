"""The table of facts fits the op table and the emitters."""

from __future__ import annotations

from pellucid.compile.emit.scalar_ops import EMITTERS
from pellucid.compile.op_facts import OP_FACTS
from pellucid.graph import TABLE

ROLES = {
    "leaf": {"leaf"},
    "elementwise": {"elementwise"},
    "movement": {"movement"},
    "contract": {"contraction"},
    "reduce": {"reduction"},
    "random": {"draw"},
    "index": {"gather", "scatter"},
}


def test_every_op_has_facts_of_its_kind() -> None:
    assert set(OP_FACTS) == set(TABLE)
    wrong = [name for name, op in TABLE.items() if OP_FACTS[name].role not in ROLES[op.kind]]
    assert not wrong


def test_every_elementwise_op_has_an_emitter_and_no_other_op_has() -> None:
    keys = {facts.emitter for facts in OP_FACTS.values() if facts.role == "elementwise"}
    assert keys == set(EMITTERS)
    assert not any(f.emitter for f in OP_FACTS.values() if f.role != "elementwise")
