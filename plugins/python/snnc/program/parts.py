"""Programs as data, and what holds of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterable, Optional, Sequence

from ..graph import Graph, GraphError, Module, Type, integer, scalar
from ..graph.literals import quote
from ..graph.module import named

MOST_TURNS = 1_000_000  # of a sampler's loop; also the rarest step of a stage


@dataclass
class Role:
    """Something that the spec fills in: a network, a coder or another model.

    The name is the attribute path of the model's argument, such as ``encoder`` or ``latent.posterior``. A coder and a
    model have a role for each of their functions: ``coder.encode``; ``tokens.encode`` is the export ``encode`` of what
    fills ``tokens``.
    """

    name: str
    kind: str = "network"  # network, coder or model
    inputs: list[Type] = field(default_factory=list)
    outputs: list[Type] = field(default_factory=list)
    free_steps: bool = False  # works at any number of time steps; those of the types are an example

    def owner(self) -> str:
        """The name under which its variables are moved: its own, or that of the coder or model as a whole."""
        return self.name if self.kind == "network" else self.name.rpartition(".")[0] or self.name


@dataclass
class Stream:
    """Where the inputs of training come from.

    Fields of the data where ``source`` is empty; else another stream with one more field, the first one, which has the
    stream's name: what an export of a trained model (``ROLE.EXPORT``) makes of the first fields of the other stream. It
    is computed once.
    """

    name: str
    fields: list[str] = field(default_factory=list)
    source: str = ""
    export: str = ""


@dataclass
class Step:
    """Runs a function whose first output is the loss, a scalar, and moves parameters down its gradient.

    The other outputs are terms that are logged under their names; the inputs are fields of the stream.
    """

    function: str
    moves: list[str] = field(default_factory=list)  # networks, coders (as a whole) and variables
    slot: str = ""  # which of the optimisers given by each(...) moves them; "" where there is one
    every: int = 1  # runs at every such batch (or epoch)
    epoch: bool = False  # every counts epochs: the step runs after the last batch of one


@dataclass
class Stage:
    """A phase of training: its steps run for each batch of the stream."""

    name: str
    stream: str
    steps: list[Step] = field(default_factory=list)


@dataclass
class Sampler:
    """Draws samples: ``init``, then ``turns`` times ``loop``, then ``result``; ``init`` and ``loop`` may be absent.

    ``init`` gives the carried values. ``loop`` takes them, and the columns of its row of the table, as ``f32[]``; it
    gives the carried values of the next turn and what is kept. ``result`` takes, by name, carried values and kept ones,
    the latter joined along time; its first output is the sample. All three may take what is ``given``: fields of the
    data with a class number, ``i32[N]``, that the host chooses. Everything runs in eval mode, on averaged weights where
    there are some.
    """

    name: str
    result: str
    init: str = ""
    loop: str = ""
    turns: int = 0
    given: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    table: Sequence[Sequence[float]] = ()  # turns rows of len(columns)


@dataclass
class Export:
    """A function under the name by which metrics, other models and deployment ask for it."""

    name: str
    function: str


@dataclass
class Program(Module):
    """A generative model, or any other. It resolves the names that its functions use (graph.Env)."""

    roles: list[Role] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    samplers: list[Sampler] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)

    def role(self, name: str) -> Optional[Role]:
        """The role of a name; None where there is none."""
        return named(self.roles, name)

    def stream(self, name: str) -> Optional[Stream]:
        """The stream of a name; None where there is none."""
        return named(self.streams, name)

    def signature(self, role: str) -> Optional[tuple[list[Type], list[Type], bool]]:
        """Inputs and outputs of a role, and whether it works at any number of steps; None where there is no such role."""
        r = self.role(role)
        return (r.inputs, r.outputs, r.free_steps) if r else None

    def fields(self, stream: str) -> list[str]:
        """The fields of a stream, the one that it adds itself first."""
        s = self.stream(stream)
        if s is None:
            return []
        return [s.name, *self.fields(s.source)] if s.source else s.fields

    def verify(self) -> None:
        """Raises GraphError where something that is named is not there, or stages, samplers and exports do not fit."""
        for v in self.variables:
            v.verify()
            if v.of:
                raise GraphError(f"variable {quote(v.name)} of the program is {quote(v.of)} of a role; it has its own")
        self._calls()
        _once("stream", (s.name for s in self.streams))
        _once("stage", (s.name for s in self.stages))
        _once("sampler", (s.name for s in self.samplers))
        _once("export", (e.name for e in self.exports))
        before: list[str] = []
        for s in self.streams:
            _located(f"stream {s.name}", self._stream, s, before)
            before.append(s.name)
        for stage in self.stages:
            _located(f"stage {stage.name}", self._stage, stage)
        for sampler in self.samplers:
            _located(f"sampler {sampler.name}", self._sampler, sampler)
        for e in self.exports:
            if self.function(e.function) is None:
                raise GraphError(f"export {e.name}: unknown function {e.function}")

    def _calls(self) -> None:
        done: set[str] = set()
        for g in self.functions:
            for n in g.nodes:
                for name in (n.text("function"), n.text("backward")):
                    if n.op in ("call", "custom") and name and name not in done:
                        raise GraphError(f"{g.name}: it calls {name}, which does not stand before it")
            done.add(g.name)

    def _stream(self, s: Stream, before: list[str]) -> None:
        if not s.source:
            return
        if s.source not in before:
            raise GraphError(f"unknown stream {s.source} (it must stand before)")
        role, fields = self.role(s.export), self.fields(s.source)
        if role is None or role.kind != "model":
            raise GraphError(f"{s.export} is no export of a model that fills a role")
        if len(role.inputs) > len(fields):
            raise GraphError(f"{s.export} takes {len(role.inputs)} inputs, and stream {s.source} has {len(fields)}")
        if s.name in fields:
            raise GraphError(f"stream {s.source} has a field of this name")

    def _stage(self, s: Stage) -> None:
        if self.stream(s.stream) is None:
            raise GraphError(f"unknown stream {s.stream}")
        if not s.steps:
            raise GraphError("it has no step")
        fields = self.fields(s.stream)
        movable = {r.owner() for r in self.roles if r.kind != "model"} | {v.name for v in self.variables}
        for step in s.steps:
            g = self._function_of(step.function)
            for n in g.inputs:
                if n.text("name") not in fields:
                    raise GraphError(f"{g.name} takes {n.text('name')}, which stream {s.stream} has not")
            if not g.outputs or g.outputs[0].value.type != scalar():
                raise GraphError(f"the first output of {g.name} is no loss f32[]")
            for o in g.outputs:
                if o.value.type != scalar():
                    raise GraphError(f"output {o.name} of {g.name} is {o.value.type}, want f32[]")
            if not 1 <= step.every <= MOST_TURNS:
                raise GraphError(f"{g.name} runs every {step.every}")
            for m in step.moves:
                if m not in movable:
                    raise GraphError(f"{g.name} moves {m}, which is neither a network, a coder nor a variable")

    def _function_of(self, name: str) -> Graph:
        g = self.function(name)
        if g is None:
            raise GraphError(f"unknown function {name}")
        return g

    def _sampler(self, s: Sampler) -> None:
        result = self._function_of(s.result)
        if not result.outputs:
            raise GraphError(f"{s.result} gives no sample")
        _once("given", s.given)
        have = {name: integer() for name in s.given}
        carried = {}
        if s.init:
            init = self._function_of(s.init)
            _takes(init, have, "is not given")
            carried = {o.name: o.value.type for o in init.outputs}
            if twice := carried.keys() & have.keys():
                raise GraphError(f"{min(twice)} is given and carried")
            have.update(carried)
        if s.loop:
            self._loop(s, carried, have)
        _takes(result, have, "nothing gives")

    def _loop(self, s: Sampler, carried: dict[str, Type], have: dict[str, Type]) -> None:
        loop = self._function_of(s.loop)
        if not 1 <= s.turns <= MOST_TURNS:
            raise GraphError(f"{s.turns} turns")
        if s.columns and len(s.table) != s.turns:
            raise GraphError(f"{len(s.table)} rows for {s.turns} turns")
        for i, row in enumerate(s.table):
            if len(row) != len(s.columns):
                raise GraphError(f"row {i} has {len(row)} numbers for {len(s.columns)} columns")
        _takes(loop, have | {c: scalar() for c in s.columns}, "nothing gives")
        for name, t in carried.items():
            v = loop.output(name)
            if v is None or v.type != t:
                raise GraphError(f"{s.loop} does not carry {name}: {t} on")
        for o in loop.outputs:
            if o.name in s.given:
                raise GraphError(f"{o.name} is given and kept")
            if o.name in carried:
                continue
            t = o.value.type
            if t.dtype == "state":
                raise GraphError(f"{s.loop} keeps the state {o.name}, which has no time axis to be joined along")
            have[o.name] = t.with_steps(max(t.steps, 1) * s.turns)


def _takes(g: Graph, have: dict[str, Type], otherwise: str) -> None:
    for n in g.inputs:
        name = n.text("name")
        if have.get(name) != n.out[0]:
            raise GraphError(f"{g.name} takes {name}: {n.out[0]}, which {otherwise}")


def _once(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise GraphError(f"{what} {name} stands twice")
        seen.add(name)


def _located(where: str, f: Any, *args: Any) -> None:
    try:
        f(*args)
    except GraphError as e:
        raise GraphError(f"{where}: {e}") from None
