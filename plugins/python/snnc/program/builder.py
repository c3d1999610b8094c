"""The builder of Programs: functions are traced, nothing is executed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Sequence

from ..graph import Builder, Equation, GraphError, Opaque, Operand, Type, Value, Variable, parse, scalar
from ..schema import Arguments, Network
from ..schema import Value as Argument
from .parts import Export, Program, Role, Sampler, Stage, Step, Stream
from .text import parse_program, print_program

#: The functions of what fills a role.
TRAIN, EVAL = "train", "eval"

#: How many turns a sampler of many takes where it draws the sheets of epochs, while a model is trained.
SHEET_TURNS = 50


@dataclass(frozen=True)
class Mode:
    """How a role is applied.

    ``eval``: running statistics, no dropout; else train mode. ``frozen``: its weights take no gradient. ``state``, in
    eval mode: the neuron states to start from, of Function.zero or an application; else they start from rest. ``gate``,
    ``open`` or ``strict``: of the first-spike rule, in place of the neurons' own.
    """

    eval: bool = False
    frozen: bool = False
    state: Optional[Value] = None
    gate: str = ""


class ProgramBuilder:
    """Makes a Program whose roles are the networks that a request brings, each a role of its own."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self.program = Program()
        for n in networks:
            self.program.roles.append(role_of(n))

    def role(self, name: str) -> Optional[Role]:
        """The signature of a role; None where there is none."""
        return self.program.role(name)

    def add_role(self, r: Role) -> None:
        """Declares a role that is not among the networks which the program started with."""
        self.program.roles.append(r)

    def map(self, name: str, source: str, export: str) -> None:
        """Adds a stream with what an export of a trained model makes of each example of another stream, once."""
        self.program.streams.append(Stream(name, source=source, export=export))

    def equation(self, e: Equation) -> Equation:
        """Adds an equation without spikes, such as a trace or a read-out."""
        e.verify()
        self.program.equations.append(e)
        return e

    def opaque(self, o: Opaque) -> Opaque:
        """Adds an opaque operator of one of the plugin's own components, which Function.opaque applies.

        What it keeps is what the component's ``prepare`` says for the same arguments and dims.
        """
        o.verify()
        self.program.opaques.append(o)
        return o

    def trace(self, name: str, tau: float) -> Equation:
        """Adds the postsynaptic trace v <- (1 - 1/tau) v + x / tau, tau in steps, and returns it."""
        s = Builder("step")
        x, v = s.input("x", scalar()), s.input("v", scalar())
        following = s.add(s.scale(v, 1 - 1 / tau), s.scale(x, 1 / tau))
        s.output("emit", following)
        s.output("v", following)
        return self.equation(Equation(name, s.finish(), inputs=["x"], states={"v": 0.0}))

    def variable(self, v: Variable) -> None:
        """Declares a variable of the model itself."""
        self.program.variables.append(v)

    def function(self, name: str, build: Callable[[Function], None]) -> None:
        """Traces a function: build adds its nodes, inputs and outputs. A training function's first output is its loss."""
        if self.program.function(name):
            raise GraphError(f"function {name} stands twice")
        f = Function(name, self)
        try:
            build(f)
        except GraphError as e:
            raise GraphError(f"function {name}: {e}") from e
        self.program.functions.append(f.finish())

    def stream(self, name: str, *fields: str) -> None:
        """Adds a stream of data fields."""
        self.program.streams.append(Stream(name, list(fields)))

    def stage(self, name: str, stream: str, *steps: Step) -> None:
        """Adds a stage that runs the steps for each batch of the stream."""
        self.program.stages.append(Stage(name, stream, list(steps)))

    def sampler(self, s: Sampler) -> None:
        """Adds a sampler."""
        self.program.samplers.append(s)

    def export(self, name: str, function: str) -> None:
        """Makes a function available to metrics, other models and deployment."""
        self.program.exports.append(Export(name, function))

    def finish(self) -> str:
        """Verifies the program and returns its text."""
        self.program.verify()
        text = print_program(self.program)
        parse_program(text)  # finds a name that is none
        return text


def role_of(n: Network) -> Role:
    """The role that a network of a request fills."""
    try:
        g = parse(n.graph).function(TRAIN)
    except GraphError as e:
        raise GraphError(f"read the network of {n.role}: {e}") from None
    if g is None:
        raise GraphError(f"the network of {n.role} has no function {TRAIN}")
    if not g.outputs:
        raise GraphError(f"the network of {n.role} gives nothing")
    inputs, outputs = [i.out[0] for i in g.inputs], [o.value.type for o in g.outputs]
    return Role(n.role, n.kind or "network", inputs, outputs, g.free_steps)


class Function(Builder):
    """A function under construction. Besides the operators of Builder it applies roles and knows the usual compositions."""

    def __init__(self, name: str, p: ProgramBuilder) -> None:
        super().__init__(name, p.program)
        self.p = p

    def apply(self, role: str, *inputs: Operand, mode: Mode = Mode()) -> list[Value]:
        """Applies a role. With a state the last result is the state after it."""
        attrs: dict[str, Any] = {"role": role, "mode": EVAL if mode.eval else TRAIN}
        if mode.frozen:
            attrs["frozen"] = True
        if mode.gate:
            attrs["gate"] = mode.gate
        if mode.state is not None:
            attrs["state"] = True
            inputs = (*inputs, mode.state)
        return self.ops("apply", *inputs, **attrs)

    def zero(self, role: str) -> Value:
        """The neuron states of a role before the first step."""
        return self.op("zero", role=role)

    def uniform(self, label: str, t: Type) -> Value:
        """Numbers in [0, 1) of type t; the same label gives the same numbers within an iteration."""
        return self.op("uniform", **_random(label, t))

    def normal(self, label: str, t: Type) -> Value:
        """Standard normal numbers of type t."""
        return self.op("normal", **_random(label, t))

    def to_int(self, x: Operand) -> Value:
        """x as whole numbers; what is none is cut off."""
        return self.cast(x, "i32")

    def to_real(self, x: Operand) -> Value:
        """x, spikes or whole numbers, as real numbers."""
        x = self.value(x)
        return x if x.type.dtype == "f32" else self.cast(x, "f32")

    def random_int(self, label: str, t: Type, n: int) -> Value:
        """Whole numbers 0..n-1 of the shape of t."""
        u = self.floor(self.scale(self.uniform(label, t), n))
        return self.to_int(self.min(u, n - 1))  # a product that rounds up to n would be no index

    def one_hot(self, number: Operand, classes: int) -> Value:
        """For class numbers, one per example, ``f32[N classes]``: 1 at the place of the class, 0 elsewhere.

        All are 0 where the number is none of 0..classes-1.
        """
        places = self.to_int(self.op("iota", dims=[classes]))
        return self.to_real(self.equal(places, self.reshape(number, 1)))

    def zeros(self, t: Type) -> Value:
        """Zeros of type t."""
        v = self.const(0)
        return self.expand(self.cast(v, "bit") if t.dtype == "bit" else v, t)

    def host(self, what: str) -> Value:
        """A number that the trainer knows: ``progress`` is the share of the training that is done, by whole epochs."""
        return self.op("host", what=what)

    def step(self, v: Operand, i: int) -> Value:
        """Time step i of a timed value, which keeps a time axis of one step."""
        return self.slice(v, "t", i, 1)

    def join(self, *values: Value) -> Value:
        """Values one after another along time."""
        return values[0] if len(values) == 1 else self.concat("t", *values)

    def square(self, x: Operand) -> Value:
        """x x"""
        x = self.value(x)
        return self.mul(x, x)

    def mean_square(self, x: Operand, y: Operand) -> Value:
        """The mean of (x - y)^2 over all elements."""
        return self.mean(self.square(self.sub(x, y)))

    def log_softmax(self, x: Value) -> Value:
        """The logarithm of the softmax over the first dim."""
        dims = (1, *x.type.dims[1:])
        shift = self.sub(x, self.stop(self.reshape(self.reduce("max", x, 0), *dims)))
        total = self.reduce("sum", self.exp(shift), 0)
        return self.sub(shift, self.reshape(self.log(total), *dims))

    def run(self, e: Equation, *inputs: Operand, **attrs: Any) -> Value:
        """Runs an equation over the time of its inputs."""
        return self.equation(e, *inputs, **attrs)[0]

    def clip(self, x: Operand, bounds: tuple[float, float]) -> Value:
        """x held within bounds, of which an infinite one is none."""
        low, high = bounds
        x = self.value(x)
        if not math.isinf(low):
            x = self.max(x, low)
        return x if math.isinf(high) else self.min(x, high)

    def loss(self, terms: Argument, of: Mapping[str, Callable[[Arguments], Value]]) -> None:
        """Adds up the terms that the spec names, an argument of type terms, as the first output, ``total``.

        Each term is logged under its name; ``of`` computes one, without its weight, from its arguments.
        """
        total: Optional[Value] = None
        named: dict[str, Value] = {}
        for t in terms.items:
            if t.text not in of:
                raise GraphError(f'unknown term "{t.text}" of the loss')
            value = of[t.text](t.args)
            part = value if t.weight == 1 else self.scale(value, t.weight)
            total = part if total is None else self.add(total, part)
            name, n = t.text, 2
            while name in named:  # two terms of one name that differ in arguments are both shown
                name, n = f"{t.text}{n}", n + 1
            named[name] = value
        if total is None:
            raise GraphError("the loss has no term")
        self.output("total", total)
        for name, value in named.items():
            self.output(name, value)

    def difference(self, terms: Argument, x: Value, y: Value) -> None:
        """Adds up the terms of an argument of snnc.difference_param as loss does."""
        self.loss(
            terms,
            {
                "mse": lambda _: self.mean_square(x, y),
                "mae": lambda _: self.mean(self.abs(self.sub(x, y))),
            },
        )


def _random(label: str, t: Type) -> dict[str, Any]:
    attrs: dict[str, Any] = {"label": label, "dims": t.dims}
    if t.batch:
        attrs["batch"] = True
    if t.steps > 0:
        attrs["steps"] = t.steps
    return attrs
