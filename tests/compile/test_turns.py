"""Programs in turns compute what they do one after another, in one foreign call if both are native."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile.native.threads import Team
from pellucid.compile.program import NativeProgram
from pellucid.compile.turns import Alternation, Turn, build_beside
from pellucid.graph import Array, Graph, Program, Reference

TURNS = [Turn(0, 0, 3), Turn(1, 3, 4), Turn(1, 4, 6), Turn(0, 6, 7), Turn(1, 7, 8), Turn(0, 8, 11)]
STEPS = 11
X = np.random.default_rng(0).standard_normal((STEPS, 40, 24)).astype(np.float32)


def graphs() -> tuple[Graph, Graph]:
    """A step that changes a state, and one that tells more of it."""
    w = g.variable(np.eye(24, dtype=np.float32), "w")
    x = g.placeholder("x", (40, 24))
    y = (x @ w).tanh()
    updates = {w.node.attrs["state"]: (w - 0.1 * (x.T @ y)).node}
    outputs = {"y": y.sum().node}
    more = {"rows": y.sum(1).node, "w": w.square().sum().node}
    return Graph(outputs, updates), Graph({**outputs, **more}, updates)


def by_turns(programs: Sequence[Program]) -> dict[str, Array]:
    """The turns one by one, from the state as it is, which is put back; the state at the end too."""
    (state,) = programs[0].graph.updates
    before = state.value.copy()
    parts: dict[str, list[Array]] = {}
    for turn in TURNS:
        steps = turn.end - turn.begin
        for name, array in (
            programs[turn.program].run(steps, {"x": X[turn.begin : turn.end]}).items()
        ):
            parts.setdefault(name, []).append(array)
    found = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    found["state"] = state.value.copy()
    state.value = before
    return found


def at_once(programs: Sequence[Program]) -> dict[str, Array]:
    (state,) = programs[0].graph.updates
    before = state.value.copy()
    found = Alternation(*programs).run(TURNS, STEPS, {"x": X})
    found["state"] = state.value.copy()
    state.value = before
    return found


def assert_same(one: dict[str, Array], other: dict[str, Array]) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.shape == other[name].shape and array.tobytes() == other[name].tobytes()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_one_call_on_any_number_of_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, more = graphs()
    program = NativeProgram(plain, threads)
    programs = program, build_beside(program, more)
    assert isinstance(programs[1], NativeProgram) and programs[1].threads == threads
    wanted = by_turns(programs)
    assert wanted["rows"].shape == (4, 40)
    calls: list[int] = []
    run = Team.run

    def counted(team: Team, entry: int, table: int, steps: int) -> None:
        calls.append(team.threads)
        run(team, entry, table, steps)

    monkeypatch.setattr(Team, "run", counted)
    assert_same(at_once(programs), wanted)
    assert calls == [threads]


def test_states_that_were_moved_in_between() -> None:
    plain, more = graphs()
    program = NativeProgram(plain, 1)
    programs = program, build_beside(program, more)
    both = Alternation(*programs)
    wanted = at_once(programs)
    (state,) = plain.updates
    state.rebind(np.empty_like(state.value))
    found = both.run(TURNS, STEPS, {"x": X})
    assert state.value.tobytes() == wanted.pop("state").tobytes()
    assert_same(found, wanted)


@pytest.mark.parametrize("kinds", ["reference", "threads", "mixed"])
def test_programs_that_cannot_share_a_call(kinds: str) -> None:
    plain, more = graphs()
    first: Program = Reference().build(plain) if kinds == "reference" else NativeProgram(plain, 2)
    second: Program = NativeProgram(more, 1) if kinds == "threads" else Reference().build(more)
    assert_same(at_once([first, second]), by_turns([first, second]))


def test_feeds_are_checked() -> None:
    plain, more = graphs()
    program = NativeProgram(plain, 1)
    both = Alternation(program, build_beside(program, more))
    with pytest.raises(ValueError, match="'x' takes 11 steps"):
        both.run(TURNS, STEPS, {"x": X.astype(np.float64)})
    with pytest.raises(ValueError, match="input 'x', which was not fed"):
        both.run(TURNS, STEPS, {})
    (state,) = plain.updates
    assert np.array_equal(state.value, np.eye(24))
