"""How components describe themselves, and what calls carry: plain data, the JSON of the protocol.

The names, their order and their meaning are those of the protocol (docs/plugin-protocol.md). What is empty is
left out of the JSON, and unknown members of a request are passed over.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import typing
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, TypeVar

from .circuit import Circuit

# Kinds of components.
NEURON, CODER, MODEL, TARGET = "neuron", "coder", "model", "target"

# Directions of a coder: values become signals or spikes over time steps, and back.
ENCODE, DECODE = "encode", "decode"

# Types of parameters and values. A choice is one of several named alternatives with arguments of their own
# (``atan(alpha = 2)``), terms are a weighted sum of choices (``mse + kl / 240``), a role takes a network, coder or
# model by name, a field one of the data.
INT, REAL, BOOL, STRING, TIME, BYTES = "int", "real", "bool", "string", "time", "bytes"
RANGE, SIZE, LIST, CHOICE, TERMS, ROLE, FIELD = "range", "size", "list", "choice", "terms", "role", "field"


class _Declared:
    """What a plugin's author declares: what has not the type of its member is refused at the line that writes it."""

    def __post_init__(self) -> None:
        for name, t in _hints(type(self)).items():
            value = getattr(self, name)
            wanted = (list, tuple) if typing.get_origin(t) is list else t
            if (t in (str, bool) or wanted is not t) and not isinstance(value, wanted):
                what = {str: "a text in quotes", bool: "True or False"}.get(t, "a list")
                raise TypeError(f"{type(self).__name__}: {name} is {value!r} and has to be {what}")


@dataclass
class Role(_Declared):
    """An argument of a model that takes a network, a coder or another model."""

    name: str
    takes: str = "network"  # network, coder or model
    optional: bool = False
    steps: str = (
        ""  # the role whose result fixes the number of time steps where the network of this one does not encode
    )
    doc: str = ""


@dataclass
class Choice(_Declared):
    """One alternative of a choice or terms parameter."""

    name: str
    params: list[Param] = field(default_factory=list)  # the first ones may be given by position, in this order
    doc: str = ""
    later: bool = False  # known and checked, but nothing in this version can run it


@dataclass
class Param(_Declared):
    """Declares one argument."""

    name: str
    type: str
    of: str = ""  # type of a list's items
    required: bool = False
    default: str = ""  # in the spec language: ``2 steps``, ``0.1..0.3``, ``mse + mmd``; "" where absent means absent
    min: Optional[float] = None  # smallest value of an int, real, time or amount of memory
    max: Optional[float] = None
    choices: list[Choice] = field(default_factory=list)  # of choice and terms, also of a list of choices
    role: Optional[Role] = None
    export: str = ""  # lets a choice of an action also take a model of the file that has this export
    doc: str = ""


@dataclass
class Opaque(_Declared):
    """What an opaque neuron or coder takes and gives. It computes each example by itself."""

    inputs: list[str] = field(default_factory=list)  # of a neuron: the first flows in, others are arguments; none: x
    spikes: bool = False  # what a neuron gives, or a coder that encodes, is 0 or 1
    once: bool = False  # each element spikes at most once in a sequence
    gradient: bool = False  # it has a backward; without it nothing is trained through it
    random: bool = False  # it draws random numbers, and is given seeds
    local: bool = False  # its gradient is of each time step by itself, and none goes through the states to earlier ones


@dataclass
class Component(_Declared):
    """Describes one neuron, coder, model or target."""

    kind: str
    name: str  # as a spec writes it
    version: str = ""
    doc: str = ""  # Markdown; the first sentence stands alone
    equations: str = ""  # of a neuron or coder, in the spec language; its parameters are declared in that text
    directions: list[str] = field(default_factory=list)  # of a coder without equations; none: decode
    opaque: Optional[Opaque] = None  # of a neuron or coder that computes by itself
    params: list[Param] = field(default_factory=list)  # arguments of what has no equations
    roles: list[Role] = field(default_factory=list)  # model: what it is made of
    samplers: list[Choice] = field(default_factory=list)  # model: what ``sampler =`` accepts; the first is the default
    exports: list[str] = field(default_factory=list)  # model: functions for metrics, other models and deployment
    emulates: bool = False  # target: it compiles circuits and emulates its chip
    traces: bool = False  # target: it runs networks in its own terms
    seeded: bool = False  # target that emulates: its chips are not alike, and the seed of a compile says which one it is
    aliases: list[str] = field(default_factory=list)  # names by which other libraries know it
    later: bool = False  # a spec may name it, but nothing in this version can run it


@dataclass
class Description:
    """What one plugin process answers to Describe."""

    name: str
    version: str
    components: list[Component]


@dataclass
class Value:
    """A checked argument, complete with defaults."""

    type: str = ""
    number: float = 0.0  # int, real; time in steps; bytes; bool as 0 or 1
    unit: str = ""  # time: ``steps``; bytes: ``B``
    text: str = ""  # string; the name of a choice, role or field
    items: list[Value] = field(default_factory=list)  # list, terms; range: low and high; size: height and width
    args: Arguments = field(default_factory=lambda: Arguments())  # of a choice
    weight: float = 0.0  # of a term: its factor


class Arguments(dict[str, Value]):
    """Values by parameter name.

    Where it is known which names are ``declared``, as in all that functions of a plugin are given, who asks for another
    one, such as a misspelt one, gets an UnknownArgument. Arguments of a choice may be those of any alternative of its
    parameter.
    """

    declared: Optional[list[str]] = None

    def get_value(self, name: str) -> Value:
        """The argument of a name, an empty value where it is absent."""
        v = self.get(name)
        if v is None and self.declared is not None and name not in self.declared:
            raise UnknownArgument(
                f'there is no argument "{name}": those that are declared are {", ".join(self.declared) or "none"}'
            )
        return v or Value()

    def int(self, name: str) -> int:
        """The argument as a whole number; 0 where it is absent."""
        return int(self.get_value(name).number)

    def real(self, name: str) -> float:
        """The argument as a number; 0 where it is absent."""
        return self.get_value(name).number

    def bool(self, name: str) -> bool:
        """Whether the argument is true."""
        return self.get_value(name).number != 0

    def text(self, name: str) -> str:
        """The text of the argument: a string, or the name of a choice, role or field; "" where it is absent."""
        return self.get_value(name).text


class UnknownArgument(LookupError):
    """An argument is read by a name that its component does not declare."""


def declare(component: Component, arguments: Arguments) -> Arguments:
    """Arguments of a component that know its declared names."""
    return _declare(component.params, [r.name for r in component.roles], arguments)


def declare_options(component: Component, options: Arguments) -> Arguments:
    """Options of a sampler of a component, which may be those of any, that know their declared names."""
    return _declare(_alternatives(component.samplers), [], options)


def _declare(params: list[Param], more: list[str], arguments: Arguments) -> Arguments:
    out = Arguments()
    out.declared = sorted({*more, *(p.name for p in params)})
    for name, v in arguments.items():
        out[name] = _declared(v, [q for p in params if p.name == name for q in _alternatives(p.choices)])
    return out


def _declared(v: Value, params: list[Param]) -> Value:
    """A value whose arguments, and those of its items, are some of params."""
    items = [_declared(item, params) for item in v.items]
    return dataclasses.replace(v, items=items, args=_declare(params, [], v.args))


def _alternatives(choices: list[Choice]) -> list[Param]:
    return [p for c in choices for p in c.params]


@dataclass
class Complaint:
    """A plugin's finding about its arguments, shown at the place of the spec that set the attribute."""

    path: str  # attribute path: ``latent.posterior``, ``loss``, ``encoder``; "" for the component as a whole
    summary: str
    help: str = ""


class Refusal(Exception):
    """Raised by a component that refuses its arguments; the complaints stand in the place of the answer."""

    def __init__(self, *complaints: Complaint) -> None:
        super().__init__("; ".join(c.summary for c in complaints))
        self.complaints = list(complaints)


def refuse(path: str, summary: str, help: str = "") -> Refusal:
    """A refusal with one complaint: ``raise refuse("loss", "...", "write ...")``."""
    return Refusal(Complaint(path, summary, help))


@dataclass
class Network:
    """What a model is shown of a network: the text of a module with the functions ``train`` and ``eval``.

    A coder or model that fills a role is shown so too, one for each of its functions. ``role`` is the attribute path,
    with the direction (``coder.encode``) or export (``tokens.encode``) of these. ``steps`` is the number of time steps
    that it runs at in the role, 0 where nothing is timed.
    """

    role: str
    name: str
    graph: str
    kind: str = ""  # coder or model; "" for a network
    steps: int = 0


@dataclass
class BuildQuestion:
    """The request of Build; SDK users see the friendlier snnc.BuildRequest."""

    component: str = ""
    arguments: Arguments = field(default_factory=Arguments)
    networks: list[Network] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)
    all: dict[str, int] = field(default_factory=dict)
    bounds: dict[str, list[float]] = field(default_factory=dict)


@dataclass
class SamplerQuestion:
    """The request of Sampler."""

    build: BuildQuestion
    sampler: str = ""
    options: Arguments = field(default_factory=Arguments)


@dataclass
class CoderQuestion:
    """The request of Coder."""

    component: str = ""
    arguments: Arguments = field(default_factory=Arguments)
    input: str = ""


@dataclass
class BuildReply:
    """The answer to Build, Sampler and Coder: a text, or complaints."""

    program: str = ""
    complaints: list[Complaint] = field(default_factory=list)


@dataclass
class TargetRequest:
    """Asks a target whether circuits fit the chip. The dims of their tensors alone hold."""

    component: str = ""
    arguments: Arguments = field(default_factory=Arguments)
    circuits: list[Circuit] = field(default_factory=list)


@dataclass
class Amount:
    """How much of a limited thing is used."""

    name: str  # cores, neurons, synapse words, fan-in ...
    used: float = 0.0
    limit: float = 0.0  # 0: no limit
    assumed: bool = False  # ``used`` hangs on what examples will show, and nobody has measured it yet


@dataclass
class Placement:
    """How one layer of a network lies on the chip."""

    network: str  # the ``network`` of a circuit, or its name
    layer: str  # structural name, such as ``2.conv``: that of a population; "" for all of it
    host: bool = False  # it is no work for the chip: with a problem a population that the host is to keep
    used: list[Amount] = field(default_factory=list)
    problem: str = ""  # why it does not fit; "" where it does
    change: str = ""  # the smallest change that would make it fit


@dataclass
class Grid:
    """How a target rounds weights: whole numbers from low to high times a scale.

    The scale is the largest magnitude of the layer's weights, or of each output channel's, divided by the larger of -low
    and high. What is rounded are the weights as a circuit has them.
    """

    low: int = 0
    high: int = 0
    channel: bool = False
    mirrored: bool = False  # a scale is negative where that puts the largest magnitude on the longer side
    shared: bool = False  # all Synapses onto a population have the scale in common
    layer: str = ""  # "": all layers


@dataclass
class TargetReply:
    """How circuits lie on a chip, or what is wrong with the arguments."""

    fits: bool
    used: list[Amount] = field(default_factory=list)
    layers: list[Placement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)


@dataclass
class PrepareQuestion:
    """The request of Prepare: what an opaque component keeps at arguments for examples of dims, in the order of memory."""

    handle: str = ""  # by which the calls that follow mean it; "": the host only asks
    component: str = ""
    arguments: Arguments = field(default_factory=Arguments)
    direction: str = ""  # of a coder
    dims: list[int] = field(default_factory=list)


@dataclass
class State:
    """A state of an opaque component and its value before the first time step."""

    name: str
    start: float


@dataclass
class PrepareReply:
    """What an opaque component keeps, or what is wrong with its arguments."""

    states: list[State] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)


@dataclass
class Operands:
    """Where the operands of a call lie: in the file ``arena`` of so many bytes, blocks of [steps, batch, dims].

    The call is about the examples first to first + count - 1 of each block. Offsets are in bytes from the file's
    beginning.
    """

    handle: str = ""
    arena: str = ""
    bytes: int = 0
    steps: int = 0
    batch: int = 0
    first: int = 0
    count: int = 0


@dataclass
class ForwardQuestion(Operands):
    """The request of Forward."""

    inputs: list[int] = field(default_factory=list)
    state: list[int] = field(default_factory=list)  # none: the states are at their starts
    output: int = 0
    saved: list[int] = field(default_factory=list)  # none: there will be no Backward
    next: list[int] = field(default_factory=list)  # none: nobody wants the states behind the last step
    seeds: list[int] = field(default_factory=list)


@dataclass
class BackwardQuestion(Operands):
    """The request of Backward."""

    saved: list[int] = field(default_factory=list)
    gradient: int = 0
    inputs: list[int] = field(default_factory=list)


@dataclass
class ReleaseQuestion:
    """The request of Release."""

    handle: str = ""


T = TypeVar("T")


def dump(value: Any) -> str:
    """The JSON of a dataclass of this module."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def load(cls: type[T], text: str) -> T:
    """Reads the JSON of a dataclass of this module. A ValueError says what is wrong."""
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError(f"want an object, got {type(data).__name__}")
    out = _maker(typing.cast(Any, cls))(data)
    assert isinstance(out, cls)
    return out


def _plain(v: Any) -> Any:
    if dataclasses.is_dataclass(v) and not isinstance(v, type):
        members = ((f, getattr(v, f.name)) for f in dataclasses.fields(v))
        return {f.name.rstrip("_"): _plain(x) for f, x in members if not _empty(f, x)}  # from_ is a word of Python
    if isinstance(v, dict):
        return {k: _plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [_plain(x) for x in v]
    return v


def _empty(f: dataclasses.Field[Any], x: Any) -> bool:
    """Whether a member need not be written: it is empty, and empty is what stands for it where it is left out."""
    default = f.default if f.default_factory is dataclasses.MISSING else f.default_factory()
    return x == default and not x


@functools.cache  # calls come by the thousand
def _maker(cls: Any) -> Callable[[Any], Any]:
    """What makes a value of a type out of JSON; null stands for what is empty."""
    origin, args = typing.get_origin(cls), typing.get_args(cls)
    if isinstance(cls, type) and dataclasses.is_dataclass(cls):

        def members(data: Any) -> Any:
            makers, names = _makers(cls), _names(cls)
            given = {k: makers[k](v) for k, v in _wanted(dict, data).items() if k in makers and v is not None}
            return cls(**{names[k]: v for k, v in given.items()})

        return members
    if origin is typing.Union:  # Optional
        return _maker(args[0])
    if cls is Arguments:
        value = _maker(Value)
        return lambda data: Arguments({k: value(v) for k, v in _wanted(dict, data).items()})
    if origin is dict:
        value = _maker(args[1])
        return lambda data: {k: value(v) for k, v in _wanted(dict, data).items()}
    if origin is list:
        item = _maker(args[0])
        return lambda data: [item(v) for v in _wanted(list, data)]
    if cls is float:
        return lambda data: float(data) if type(data) is int else _wanted(float, data)
    return functools.partial(_wanted, cls)


@functools.cache
def _makers(cls: type) -> dict[str, Callable[[Any], Any]]:
    """What makes a dataclass's members, by name: when it is needed, since a type may have members of its own type."""
    return {name.rstrip("_"): _maker(t) for name, t in _hints(cls).items()}


@functools.cache
def _names(cls: type) -> dict[str, str]:
    """The names of a dataclass's members by those of the JSON."""
    return {name.rstrip("_"): name for name in _hints(cls)}


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    """The types of a dataclass's members, by name."""
    return typing.get_type_hints(cls)


def _wanted(cls: type, data: Any) -> Any:
    if not isinstance(data, cls) or cls is not bool and isinstance(data, bool):
        raise ValueError(f"want {cls.__name__}, got {type(data).__name__}")
    return data
