"""Graphs as data: modules, functions, nodes, variables and equations."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Iterable, Optional, Protocol, TypeVar, Union

from .literals import number, quote
from .shape import MAX_DIMS, GraphError, Type, scalar

if TYPE_CHECKING:
    from .builder import Builder

#: A name in the text form.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*\Z")

#: What a variable is in training: moved by an optimiser, assigned by functions, or neither.
KINDS = ("parameter", "state", "frozen")


class Env(Protocol):
    """Resolves what a graph names: the roles, variables and functions of the Program that it belongs to."""

    def signature(self, role: str) -> Optional[tuple[list[Type], list[Type], bool]]:
        """Inputs and outputs of a role, and whether it works at any number of steps; None where there is no such role."""

    def variable_type(self, name: str) -> Optional[Type]:
        """The type of a variable; None where there is none."""

    def function_named(self, name: str) -> Optional[Graph]:
        """A function; None where there is none."""


@dataclass(eq=False)
class Node:
    """One application of an operator. ``attrs`` hold int, float, str, bool, lists of numbers, axes and lists of axes."""

    op: str
    inputs: list[Value]
    attrs: dict[str, Any]
    out: list[Type] = field(default_factory=list)
    of: Union[Equation, Opaque, None] = None  # what an equation node runs, and an opaque one asks a plugin for

    @property
    def equation(self) -> Optional[Equation]:
        """What an equation node runs; None where it is another node."""
        return self.of if isinstance(self.of, Equation) else None

    @property
    def opaque(self) -> Optional[Opaque]:
        """What an opaque node asks a plugin for; None where it is another node."""
        return self.of if isinstance(self.of, Opaque) else None

    def text(self, name: str) -> str:
        """A string attribute, "" where absent."""
        return str(self.attrs.get(name, ""))

    def int(self, name: str) -> int:
        """An int attribute, 0 where absent."""
        return int(self.attrs.get(name, 0))

    def flag(self, name: str) -> bool:
        """A bool attribute, False where absent."""
        return bool(self.attrs.get(name, False))


@dataclass(frozen=True, eq=False)
class Value:
    """One result of a node. With the operators ``+ - * / < <= > >= & | ~`` it makes nodes of its builder's graph."""

    node: Node
    index: int
    builder: Builder

    @property
    def type(self) -> Type:
        """The type of the value."""
        return self.node.out[self.index]

    def __add__(self, other: Value | float) -> Value:
        return self.builder.add(self, other)

    def __radd__(self, other: float) -> Value:
        return self.builder.add(other, self)

    def __sub__(self, other: Value | float) -> Value:
        return self.builder.sub(self, other)

    def __rsub__(self, other: float) -> Value:
        return self.builder.sub(other, self)

    def __mul__(self, other: Value | float) -> Value:
        return self.builder.mul(self, other)

    def __rmul__(self, other: float) -> Value:
        return self.builder.mul(other, self)

    def __truediv__(self, other: Value | float) -> Value:
        return self.builder.div(self, other)

    def __rtruediv__(self, other: float) -> Value:
        return self.builder.div(other, self)

    def __neg__(self) -> Value:
        return self.builder.neg(self)

    def __lt__(self, other: Value | float) -> Value:
        return self.builder.op("lt", self, other)

    def __le__(self, other: Value | float) -> Value:
        return self.builder.op("le", self, other)

    def __gt__(self, other: Value | float) -> Value:
        return self.builder.op("gt", self, other)

    def __ge__(self, other: Value | float) -> Value:
        return self.builder.op("ge", self, other)

    def __and__(self, other: Value) -> Value:
        return self.builder.op("and", self, other)

    def __or__(self, other: Value) -> Value:
        return self.builder.op("or", self, other)

    def __invert__(self) -> Value:
        return self.builder.op("not", self)

    def __bool__(self) -> bool:
        raise TypeError("a value of a graph is not known while the graph is built; use where(condition, a, b)")


@dataclass
class Output:
    """A named result of a graph."""

    name: str
    value: Value


@dataclass(eq=False)
class Graph:
    """A function: nodes in an order in which each uses only earlier ones.

    ``free_steps`` is set where it works at any number of time steps; the one in its types is then an example.
    """

    name: str
    inputs: list[Node] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    free_steps: bool = False

    def output(self, name: str) -> Optional[Value]:
        """The output of a name; None where there is none."""
        return next((o.value for o in self.outputs if o.name == name), None)

    def prune(self) -> None:
        """Removes the nodes that no output needs; inputs and assignments stay."""
        live = {id(o.value.node) for o in self.outputs}
        for n in reversed(self.nodes):
            if n.op in ("input", "assign"):
                live.add(id(n))
            if id(n) in live:
                live.update(id(v.node) for v in n.inputs)
        self.nodes = [n for n in self.nodes if id(n) in live]


@dataclass(frozen=True)
class Init:
    """How a variable starts: ``uniform`` in a..b, ``normal`` of mean a and deviation b, ``constant`` a, or ``sinusoid``.

    ``sinusoid`` is a table whose row s has sine and cosine of s a^(-2k/n) in columns 2k and 2k + 1 of n (Vaswani et al.
    2017 with a = 10,000). What a kind does not use of a and b is 0.
    """

    kind: str = "constant"
    a: float = 0.0
    b: float = 0.0


@dataclass
class Variable:
    """A tensor that is kept between steps and saved with the weights: f32, without time and batch axes."""

    name: str
    type: Type
    init: Init = field(default_factory=Init)
    kind: str = "parameter"
    held: Optional[tuple[float, float]] = None  # least and greatest value that training keeps a parameter within
    of: str = ""  # in what fills a role: the variable of another role that this one is, such as "encoder.3.weight"

    def verify(self) -> None:
        """Raises GraphError where the variable cannot be started, trained or saved."""
        t = self.type
        if t.dtype != "f32":
            raise GraphError(
                f"variable {quote(self.name)} is {t}; a variable is f32, and what serves as an index is cast where it is read"
            )
        if t.steps > 0 or t.batch:
            raise GraphError(f"variable {quote(self.name)} is {t}; a variable has no time and no batch axis")
        if t.size() < 1 or len(t.dims) > MAX_DIMS:
            raise GraphError(f"variable {quote(self.name)} is of the impossible type {t}")
        if self.kind not in KINDS:
            raise GraphError(f"variable {quote(self.name)} is of the unknown kind {quote(self.kind)}")
        if not (math.isfinite(self.init.a) and math.isfinite(self.init.b)):
            raise GraphError(f"variable {quote(self.name)} does not start at finite numbers")
        if self.held:
            low, high = self.held
            if not (math.isfinite(low) and math.isfinite(high)) or low > high or self.kind != "parameter":
                raise GraphError(
                    f"variable {quote(self.name)} of kind {self.kind} cannot be held in ({number(low)}, {number(high)}); "
                    "a parameter can, between two numbers"
                )
        if self.init.kind == "sinusoid":
            if len(t.dims) != 2:
                raise GraphError(
                    f"variable {quote(self.name)} starts as a table of sines and is {t}, which has no rows and columns"
                )
        elif self.init.kind not in ("uniform", "normal", "constant"):
            raise GraphError(
                f"variable {quote(self.name)} has the unknown start {quote(self.init.kind)}; "
                "it is uniform, normal, constant or sinusoid"
            )


#: The operators that the step of an equation may use, besides its inputs.
STEP_OPS = frozenset(
    "constant uniform normal where stop spike time steps cast not and or lt le gt ge eq ne add sub mul div pow min max neg abs "
    "sign exp log sqrt tanh sigmoid sin cos round floor".split()
)


@dataclass(eq=False)
class Equation:
    """The step of a neuron, coder or trace: what happens in one time step to one element.

    ``step`` takes inputs, params and states by these names, all ``f32[]``, and gives ``emit`` and then the next value
    of each state, in order. ``temporal`` replaces the derivative by the first-spike rule: a set of ``open`` and
    ``normalize``, or None for that of the surrogate.
    """

    name: str
    step: Graph
    inputs: list[str] = field(default_factory=list)
    params: list[str] = field(default_factory=list)
    states: dict[str, float] = field(default_factory=dict)  # value before the first step, by name
    spikes: bool = False
    once: bool = False
    temporal: Optional[frozenset[str]] = None

    def verify(self) -> None:
        """Raises GraphError where the declaration and the step do not agree."""
        names = [*self.inputs, *self.params, *self.states]
        if len(self.step.inputs) != len(names):
            raise GraphError(
                f"equation {self.name} declares {len(names)} names, its step takes {len(self.step.inputs)}"
            )
        for i, (name, n) in enumerate(zip(names, self.step.inputs)):
            if name == "emit" or name in names[:i]:
                raise GraphError(f"equation {self.name}: the name {name} is taken")
            if n.text("name") != name or n.out[0] != scalar():
                raise GraphError(f"equation {self.name}: input {i} of its step is not {name}: f32[]")
        outputs = self.step.outputs
        if len(outputs) != 1 + len(self.states) or outputs[0].name != "emit":
            raise GraphError(f"equation {self.name}: its step must give emit and {len(self.states)} states")
        for o, name in zip(outputs[1:], self.states):
            if o.name != name:
                raise GraphError(f"equation {self.name}: the next value of state {name} is missing or out of order")
        if (outputs[0].value.type.dtype == "bit") != self.spikes:
            raise GraphError(f"equation {self.name}: what it emits does not agree with whether it spikes")
        for n in self.step.nodes:
            if n.op != "input" and n.op not in STEP_OPS:
                raise GraphError(f"equation {self.name}: operator {n.op} has no place in a step")
            for t in n.out:
                if t.steps > 0 or t.batch or t.dims:
                    raise GraphError(f"equation {self.name}: {n.op} gives {t}, a step has numbers only")


#: The words that stand in a declaration where a field of the same name is set, in their order.
OPAQUE_FLAGS = ("spikes", "once", "gradient", "random")


@dataclass(eq=False)
class Opaque:
    """A neuron or coder that a plugin computes by itself, over all time steps of a block of examples at once.

    It is a pure function of the inputs, the states at the beginning and, where it is random, the seeds, and treats each
    example by itself. Its derivative is a function of what it has saved and of the gradient of its output alone. A
    plugin's graphs may use opaque components of that plugin.
    """

    name: str
    plugin: str  # whose component it is; "" for the built-in plugin
    component: str
    version: str  # of the component
    arguments: str = "{}"  # complete with defaults: the JSON of schema.Arguments
    direction: str = ""  # encode or decode, of a coder
    spikes: bool = False  # the output is 0 or 1
    once: bool = False  # each element spikes at most once in a sequence
    gradient: bool = False  # it has a derivative
    random: bool = False  # it draws random numbers
    inputs: list[str] = field(default_factory=lambda: ["x"])  # of each time step; the first one flows in
    states: dict[str, float] = field(default_factory=dict)  # value before the first step, by name; one per element
    saved: list[str] = field(default_factory=list)  # for the derivative: one per element and time step

    def verify(self) -> None:
        """Raises GraphError where the declaration makes no sense."""
        names = [*self.inputs, *self.states, *self.saved]
        for i, n in enumerate(names):
            if not NAME.match(n) or n in names[:i]:
                raise GraphError(f"opaque {self.name}: {quote(n)} is no name, or is taken")
        if not self.component:
            raise GraphError(f"opaque {self.name} is of no component")
        if not self.inputs:
            raise GraphError(f"opaque {self.name} has no input")
        if self.direction not in ("", "encode", "decode"):
            raise GraphError(f"opaque {self.name}: there is no direction {quote(self.direction)}")
        if self.direction and len(self.inputs) > 1:
            raise GraphError(f"opaque {self.name} is a coder and has {len(self.inputs)} inputs")
        if self.direction == "decode" and (self.spikes or self.once):
            raise GraphError(f"opaque {self.name} decodes, and spikes")
        if self.once and not self.spikes:
            raise GraphError(f"opaque {self.name} spikes once, and does not spike")
        if self.saved and not self.gradient:
            raise GraphError(f"opaque {self.name} saves something and has no derivative")
        try:
            arguments = json.loads(self.arguments)
        except ValueError:
            arguments = None
        if not isinstance(arguments, dict):
            raise GraphError(f"opaque {self.name}: its arguments are no JSON object")


@dataclass
class Module:
    """A set of functions with what they name: variables, equations, opaque operators. It resolves names (Env)."""

    variables: list[Variable] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    opaques: list[Opaque] = field(default_factory=list)
    functions: list[Graph] = field(default_factory=list)

    def variable(self, name: str) -> Optional[Variable]:
        """The variable of a name; None where there is none."""
        return named(self.variables, name)

    def equation(self, name: str) -> Optional[Equation]:
        """The equation of a name; None where there is none."""
        return named(self.equations, name)

    def opaque(self, name: str) -> Optional[Opaque]:
        """The opaque operator of a name; None where there is none."""
        return named(self.opaques, name)

    def function(self, name: str) -> Optional[Graph]:
        """The function of a name; None where there is none."""
        return named(self.functions, name)

    def signature(self, role: str) -> Optional[tuple[list[Type], list[Type], bool]]:
        """A module has no roles."""
        return None

    def variable_type(self, name: str) -> Optional[Type]:
        """The type of a variable; None where there is none."""
        v = self.variable(name)
        return v.type if v else None

    def function_named(self, name: str) -> Optional[Graph]:
        """A function; None where there is none."""
        return self.function(name)


class _Named(Protocol):
    name: str


_N = TypeVar("_N", bound=_Named)


def named(items: Iterable[_N], name: str) -> Optional[_N]:
    """The one of a name; None where there is none."""
    return next((x for x in items if x.name == name), None)
