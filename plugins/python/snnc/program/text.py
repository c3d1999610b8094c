"""The canonical text of Programs, headed ``program 1``."""

from __future__ import annotations

from typing import Callable, Iterable

from ..graph import Type
from ..graph.literals import number, quote
from ..graph.printer import module_body
from ..graph.reader import Reader
from .parts import Export, Program, Role, Sampler, Stage, Step, Stream


def print_program(p: Program) -> str:
    """The text of a Program, which the host's reader reads."""
    w = ["program 1\n"]
    if p.roles:
        w.append("\n")
    for r in p.roles:
        w.append(f"role {quote(r.name)} {r.kind} ({_types(r.inputs)}) -> ({_types(r.outputs)})")
        w.append(" free-steps\n" if r.free_steps else "\n")
    w.append(module_body(p))
    if p.streams:
        w.append("\n")
    for s in p.streams:
        source = f"map({s.source}, {quote(s.export)})" if s.source else f"data({', '.join(s.fields)})"
        w.append(f"stream {s.name} = {source}\n")
    for stage in p.stages:
        w.append(f"\nstage {stage.name} {stage.stream} {{\n")
        for t in stage.steps:
            moves = ", ".join(quote(m) for m in t.moves)
            unit = "epoch" if t.epoch else "batch"
            w.append(f"  step {t.function} every {t.every} {unit} slot {quote(t.slot)} moves({moves})\n")
        w.append("}\n")
    for sampler in p.samplers:
        _print_sampler(w, sampler)
    if p.exports:
        w.append("\n")
    w.extend(f"export {e.name} = {e.function}\n" for e in p.exports)
    return "".join(w)


def _print_sampler(w: list[str], s: Sampler) -> None:
    w.append(f"\nsampler {s.name} {{\n")
    if s.given:
        w.append(f"  given({', '.join(s.given)})\n")
    if s.init:
        w.append(f"  init {s.init}\n")
    if s.loop:
        w.append(f"  loop {s.loop} {s.turns}\n")
    w.append(f"  result {s.result}\n")
    if s.columns:
        w.append(f"  columns({', '.join(s.columns)})\n")
    for row in s.table:
        w.append("".join(["  row", *(f" {number(v)}" for v in row), "\n"]))
    w.append("}\n")


def _types(types: Iterable[Type]) -> str:
    return ", ".join(str(t) for t in types)


def parse_program(text: str) -> Program:
    """Reads the text form of a Program and verifies it. What is wrong raises GraphError, with its line if it has one."""
    p = Program()
    r = _Reader(text, p)
    r.header("program")
    while word := r.word():
        r.part(word)
    p.verify()
    return p


class _Reader(Reader):
    def __init__(self, text: str, p: Program) -> None:
        super().__init__(text, p, p)
        self._p = p

    def part(self, word: str) -> None:
        """Reads the rest of an item of a Program."""
        items: dict[str, Callable[[], None]] = {
            "role": self._role,
            "stream": self._stream,
            "stage": self._stage,
            "sampler": self._sampler,
            "export": self._export,
        }
        if word in items:
            items[word]()
        elif not self.item(word):
            raise self.error(
                f"unknown word {quote(word)}, want role, variable, equation, function, stream, stage, sampler or export"
            )

    def _list(self, each: Callable[[], None]) -> None:
        """Reads ``(a, b, ...)``."""
        self.want("(")
        while not self.taken(")"):
            each()
            if not self.taken(","):
                self.want(")")
                return

    def _role(self) -> None:
        r = Role(self.quoted(), self.name())
        if r.kind not in ("network", "coder", "model"):
            raise self.error(f"a role is a network, a coder or a model, not {quote(r.kind)}")
        self._list(lambda: r.inputs.append(self.type()))
        self.want("->")
        self._list(lambda: r.outputs.append(self.type()))
        r.free_steps = self.taken("free-steps")
        self.end_line()
        if self._p.role(r.name):
            raise self.error(f"role {quote(r.name)} stands twice")
        self._p.roles.append(r)

    def _stream(self) -> None:
        s = Stream(self.name())
        self.want("=")
        kind = self.token()
        if kind == "data":
            self._list(lambda: s.fields.append(self.name()))
        elif kind == "map":
            self.want("(")
            s.source = self.name()
            self.want(",")
            s.export = self.quoted()
            self.want(")")
        else:
            raise self.error(f"a stream is data(...) or map(...), not {quote(kind)}")
        self.end_line()
        self._p.streams.append(s)

    def _stage(self) -> None:
        s = Stage(self.name(), self.name())
        self.want("{")
        self.end_line()
        while (word := self.word()) != "}":
            if word != "step":
                raise self.error(f"want `step` or `}}`, got {quote(word)}")
            t = Step(self.name())
            self.want("every")
            t.every = self.integer()
            unit = self.token()
            if unit not in ("batch", "epoch"):
                raise self.error(f"want batch or epoch, got {quote(unit)}")
            t.epoch = unit == "epoch"
            self.want("slot")
            t.slot = self.quoted()
            self.want("moves")
            self._list(lambda: t.moves.append(self.quoted()))
            self.end_line()
            s.steps.append(t)
        self.end_line()
        self._p.stages.append(s)

    def _sampler(self) -> None:
        s = Sampler(self.name(), "")
        table: list[list[float]] = []
        self.want("{")
        self.end_line()
        while (word := self.word()) != "}":
            if word == "given":
                self._list(lambda: s.given.append(self.name()))
            elif word == "init":
                s.init = self.name()
            elif word == "loop":
                s.loop, s.turns = self.name(), self.integer()
            elif word == "result":
                s.result = self.name()
            elif word == "columns":
                self._list(lambda: s.columns.append(self.name()))
            elif word == "row":
                table.append([self.real() for _ in s.columns])
            else:
                raise self.error(f"unknown word {quote(word)} in a sampler")
            self.end_line()
        self.end_line()
        s.table = table
        self._p.samplers.append(s)

    def _export(self) -> None:
        name = self.name()
        self.want("=")
        self._p.exports.append(Export(name, self.name()))
        self.end_line()
