"""Module: the base of every layer and network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from pellucid import check
from pellucid.graph import Array, Shape, Tensor, origin, tensor
from pellucid.graph.arrays import noted
from pellucid.graph.dtype import FLOAT32, as_dtype
from pellucid.hints import MODULE, missing
from pellucid.keywords import Hinted
from pellucid.limits import spend
from pellucid.nn.describe import describe
from pellucid.nn.example import Example, example_input
from pellucid.nn.initialise import GlorotUniform, Initializer
from pellucid.nn.inputs import apply, inputs_text, is_tree, leaves, mapped
from pellucid.nn.mode import forward_pass
from pellucid.nn.parameter import Buffer, Held, Parameter, Role
from pellucid.nn.scope import Making, below, call_of, current, label, making, shape_text
from pellucid.nn.summary import Summary, summarise
from pellucid.nn.tree import join, members
from pellucid.parts import Part
from pellucid.spec import Spec, described

Kind = TypeVar("Kind", bound=Held)


class Module(Hinted, Part, abstract=True):
    """A function of tensors with parameters of its own: a layer or a network of layers.

    A layer is a `@dataclass(eq=False, repr=False)` whose fields are its settings. It writes
    `forward`, which builds graph, and, if it has parameters, `setup`, which is called once with the
    first input and makes them with `self.parameter`. A network of your own is any subclass that
    keeps its layers in attributes (also in lists and dicts) and calls them in `forward`; it needs
    no constructor of a certain form.

    Parameters are made at the first call, or by `build`, when the sizes of inputs are known. A call
    that fails makes none.
    """

    _built: bool = False
    _trained: bool = False

    def forward(self, *inputs: Any, **named: Any) -> Tensor:
        """The output for the input or the inputs, as graph: forward(self, x), forward(self, a, b)."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, x)")

    def setup(self, *inputs: Any, **named: Any) -> None:
        """Make the parameters for inputs like these; called once, before the first `forward`."""

    def suited(self) -> Initializer | None:
        """The initialiser that suits a linear layer which feeds this module (see `initialise`).

        None: look through to what follows.
        """
        return GlorotUniform()

    def child_initializers(self, after: Initializer) -> Iterator[tuple[Module, Initializer]]:
        """For each child the initialiser that suits what it feeds; `after` suits what follows this."""
        for _, child in self.named_children():
            yield child, GlorotUniform()

    def __call__(self, *inputs: Any, **named: Any) -> Tensor:
        """The output for a batch, rows first; makes missing parameters (see `build`).

        Most modules take one tensor or array x; others take the arguments of their `forward`.
        """
        spend(1)
        with call_of(self) as scope, origin(label(self)):
            with noted(f"in the input of {label(self)}"):
                tensors = [mapped(_as_tensor, x) for x in inputs]
                keywords = {name: mapped(_as_tensor, x) for name, x in named.items()}
            try:
                if not self._built:
                    scope.made.append((self, "_built"))
                    self.setup(*tensors, **keywords)
                    self._built = True
                output = self.forward(*tensors, **keywords)
                if not isinstance(output, Tensor):
                    raise TypeError(f"forward returned a {type(output).__name__}, not a Tensor")
            except (ValueError, TypeError, MemoryError) as error:
                if not getattr(error, "__notes__", ()):
                    error.add_note(
                        f"in {label(self)}, with input {_shapes_text([*tensors, *keywords.values()])}"
                    )
                raise
            except AttributeError as error:
                trees = [x for x in tensors if is_tree(x)]
                if not trees:
                    raise
                raise TypeError(
                    f"{label(self)} takes one tensor, but got {inputs_text(trees[0])}"
                ) from error
            path, seen = scope.path(self), forward_pass()
            if seen is not None and path is not None:
                seen.record(scope.root, path, output)
            return output

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            hint = "" if self._built else "; parameters are made by build() or by the first call"
            raise missing(repr(type(self).__name__), name, MODULE, hint)

    # -- making parameters ----------------------------------------------------------------------

    def parameter(
        self, name: str, shape: Shape, initializer: Initializer, role: Role = "weight"
    ) -> Parameter:
        """The parameter of this name: the one that was set before, or a new one. `setup` keeps it.

        Raises ValueError if one was set before with another shape.
        """
        scope = current(self)
        path = below(scope, self, name)
        held = vars(self).get(name)
        if held is None:
            scope.made.append((self, name))
            return Parameter(scope.value(path, shape, initializer), role, path)
        if not isinstance(held, Parameter):
            raise TypeError(f"{path} must be a Parameter, got a {type(held).__name__}")
        if held.shape != shape:
            raise ValueError(f"{path} was set with shape {held.shape}, this input needs {shape}")
        return held

    def buffer(self, name: str, value: Array) -> Buffer:
        """A new buffer of this name that starts from `value`. `setup` keeps it."""
        scope = current(self)
        scope.made.append((self, name))
        path = below(scope, self, name)
        return Buffer(scope.stored(path, value), path)

    def chosen(self, initializer: Initializer | None) -> Initializer:
        """`initializer`, or if None the one that suits what follows this module."""
        return current(self).initializer(self) if initializer is None else initializer

    def mismatch(self, expected: str, x: Tensor) -> ValueError:
        """The error that the shape of x is not the expected one, naming this module."""
        return ValueError(f"{label(self)} expects {expected}, got {shape_text(x.shape)}")

    def build(
        self,
        example: Example,
        seed: int = 0,
        *,
        dtype: Any = FLOAT32,
        values: Mapping[str, Array] | None = None,
    ) -> Self:
        """Make the parameters that are missing, and return the module itself.

        example: the shape of one input without the batch axis, or a batch as array or tensor; for
                 several inputs a tuple or a dict of them.
        seed:    each parameter's first value is a function of (seed, its path) only.
        dtype:   of parameters and buffers that are made.
        values:  a `state_dict` to take all parameters and buffers from, with their types, instead of
                 making them.
        """
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ValueError(f"a seed is an integer of at least 0, got {check.brief(seed)}")
        with making(Making(seed, as_dtype(dtype), values)):
            apply(self, example_input(example, dtype))
        if values is not None:
            self.load_state_dict(values)
        for name, held in self._named(Held):
            held.state.name = name
        return self

    def forget(self) -> Self:
        """Undo `build`: parameters and buffers are made anew by the next call; returns the module.

        Raises ValueError, changing nothing, if a parameter was set by hand: it cannot be drawn again.
        """
        modules = list(self.named_modules())
        for path, module in modules:
            for name, _ in members(module, Held):
                if name not in vars(module).get("_made", ()):
                    raise ValueError(
                        f"{join(path, name)} was set by hand, so it has no first value to go back "
                        "to: make the network anew instead"
                    )
        for _, module in modules:
            for name in [*vars(module).get("_made", ()), "_made", "_trained"]:
                vars(module).pop(name, None)
        return self

    # -- what it holds --------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules that this one holds directly, by name."""
        yield from members(self, Module)

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module (path "") and all below it, each once, parents first."""
        seen: set[int] = set()
        pending: list[tuple[str, Module]] = [("", self)]
        while pending:
            path, module = pending.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield path, module
            below_it = [(join(path, name), child) for name, child in module.named_children()]
            pending.extend(reversed(below_it))

    def _named(self, kind: type[Kind]) -> Iterator[tuple[str, Kind]]:
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, held in members(module, kind):
                if id(held) not in seen:
                    seen.add(id(held))
                    yield join(path, name), held

    def _check_built(self) -> None:
        if self._built:
            return
        for path, module in self.named_modules():
            if not module._built and type(module).setup is not Module.setup:
                name = f"{type(module).__name__} {path!r}" if path else type(module).__name__
                raise ValueError(
                    f"{name} has no parameters yet: they are made by build(input_shape) or by the "
                    "first call, when the sizes of inputs are known"
                )

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """The parameters by path, such as `hidden.0.W`; one that is shared appears once.

        Raises ValueError if they are not made yet.
        """
        self._check_built()
        yield from self._named(Parameter)

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """The buffers by path; raises ValueError if they are not made yet."""
        self._check_built()
        yield from self._named(Buffer)

    def parameters(self) -> list[Parameter]:
        """The parameters, each once."""
        return [parameter for _, parameter in self.named_parameters()]

    def parameter_count(self) -> int:
        """How many numbers training changes."""
        return sum(parameter.size for parameter in self.parameters())

    def _state(self) -> dict[str, Held]:
        return {**dict(self.named_parameters()), **dict(self.named_buffers())}

    def state_dict(self) -> dict[str, Array]:
        """A copy of every parameter and buffer by path."""
        return {path: held.value.copy() for path, held in self._state().items()}

    def load_state_dict(self, values: Mapping[str, Array]) -> None:
        """Set every parameter and buffer; nothing is changed unless all of `values` fit.

        Raises ValueError naming what is missing, unexpected, or of another shape or kind.
        """
        held = self._state()
        arrays = {path: np.asarray(value) for path, value in values.items()}
        problems = [f"{path} is missing" for path in held if path not in arrays]
        problems += [f"{path} is unexpected" for path in arrays if path not in held]
        for path in held.keys() & arrays.keys():
            own, new = held[path].value, arrays[path]
            if own.shape != new.shape:
                problems.append(f"{path} has shape {own.shape}, got {new.shape}")
            elif own.dtype.kind != new.dtype.kind:
                problems.append(f"{path} holds {own.dtype.name}, got {new.dtype.name}")
        if problems:
            raise ValueError(f"these values do not fit the network: {'; '.join(sorted(problems))}")
        for path, array in arrays.items():
            held[path].value = array

    def summary(self, input_shape: Example) -> Summary:
        """The network as a table: path, layer, output shape, parameters; builds it if need be."""
        return summarise(self.build(input_shape), input_shape)

    # -- as settings ----------------------------------------------------------------------------

    def to_spec(self) -> Spec:
        """The structure as JSON, for `nn.from_spec`.

        Raises TypeError naming the first setting or class that a file cannot hold.
        """
        return described(self)[0]

    def __repr__(self) -> str:
        return describe(self)


class Transparent(Module, abstract=True):
    """A layer that the choice of initialisers looks through: what follows it decides."""

    def suited(self) -> Initializer | None:
        """None: what follows decides."""
        return None


def _as_tensor(_: str, value: Any) -> Tensor:
    return tensor(value)


def _shapes_text(inputs: Sequence[Any]) -> str:
    """The shapes of inputs, as messages write them."""
    return " and ".join(shape_text(x.shape) for tree in inputs for x in leaves(tree).values())
