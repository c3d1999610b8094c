"""The class of an example, which a model's networks are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional

from .graph import Type, Value, integer, parse, real, wire
from .plugin import BuildRequest
from .program import Function, Mode, Role
from .schema import FIELD, INT, REAL, Arguments, Network, Param, refuse


@dataclass(frozen=True)
class Label:
    """The class as the spec names it by the model's argument ``label``.

    A network takes it as its last parameter, either as ``y: real[classes]``, 1 at the class and 0 elsewhere, of the
    chosen classes or of all, or as its number, ``y: step``. Samples are of the class that the sampler's option
    ``label`` names, else of those that the host chooses. Where the model has the argument ``drop``, training steps
    withhold the class so often, and samplers may let it lead by the option ``guidance``: classifier-free guidance (Ho &
    Salimans 2022). Without a field no network is told anything.
    """

    field: str = ""  # of the data, i32[N]; "" where no network is told
    classes: int = 0  # they are 0 to classes-1
    all: int = 0  # as many as the data set has: classes or, where the spec chooses some of them, more
    drop: float = 0.0  # how often a training step withholds the class, 0..1

    def told(self, r: Role, own: int) -> bool:
        """Whether a role is told the class: takes one parameter behind the ``own`` that it has without it."""
        return bool(self.field) and len(r.inputs) == own + 1

    def check(self, n: Network, r: Role, own: int) -> None:
        """Judges the parameter behind the ``own`` that a network has without the class.

        It says nothing of networks with other numbers of parameters: whether one must be told is the model's to say.
        """
        if len(r.inputs) != own + 1:
            return
        if not self.field:
            raise refuse(
                n.role,
                f"this network takes {len(r.inputs)} parameters, and the model is told of no label",
                "write `label = label` in the model for the class, or take the last parameter away",
            )
        takes, rows, why = r.inputs[own], self.classes, ""
        if self.drop > 0:
            rows, why = rows + 1, ": one more where no class is told"
        if takes not in (integer(), real(self.classes), real(self.all)):
            raise refuse(
                n.role,
                f"the last parameter is the class, one of {self.classes} as the classes of the data are 0 to "
                f"{self.classes - 1}, and this one is {wire(takes)}",
                f"write `real[{self.all}]` or `step`",
            )
        if 0 < (table := shortest_table(n.graph, own)) < rows:
            raise refuse(
                n.role,
                f"this network has a table of {table} classes, and is told of {rows}{why}",
                f"write `count = {rows}` in its `embedding`",
            )

    def check_options(self, options: Arguments) -> None:
        """Judges the options ``label`` and ``guidance`` of a sampler."""
        if not self.field and "label" in options:
            raise refuse(
                "sampler.label",
                "the model is told of no label, and the sampler draws one class",
                "write `label = label` in the model",
            )
        if "label" in options and options.int("label") >= self.classes:
            raise refuse(
                "sampler.label", f"there is no class {options.int('label')}", f"the classes are 0 to {self.classes - 1}"
            )
        if "guidance" in options and options.real("guidance") != 1 and self.drop == 0:
            raise refuse(
                "sampler.guidance",
                "guidance asks the network without a class, which it has never seen: the model has no `drop`",
                "train it with `label = label, drop = 0.1`",
            )

    def fields(self, *names: str) -> list[str]:
        """The fields of a stream of examples: the given ones and the class."""
        return [*names, self.field] if self.field else list(names)

    def input(self, f: Function) -> Optional[Value]:
        """Declares the class among a function's inputs, i32[N]; None without a label."""
        return f.input(self.field, integer()) if self.field else None

    def drawn(self, f: Function, options: Arguments) -> Optional[Value]:
        """The class of samples in a function of a sampler: that of the options, else what each is given, an input."""
        if self.field and "label" in options:
            return self._of(f, options.int("label"))
        return self.input(f)

    def given(self, options: Arguments) -> list[str]:
        """What a sampler with these options is given (Sampler.given)."""
        return [self.field] if self.field and "label" not in options else []

    def none(self, f: Function) -> Value:
        """The number that stands for no class, the one behind the last: as ``y: real[classes]`` it is told as zeros."""
        return self._of(f, self.classes)

    def _of(self, f: Function, number: int) -> Value:
        return f.expand(f.to_int(f.const(number)), integer())

    def withheld(self, f: Function, number: Optional[Value]) -> Optional[Value]:
        """The class as a training step tells it: as often as ``drop`` says it is none (Ho & Salimans 2022, algorithm 1)."""
        if self.drop == 0 or number is None:
            return number
        return f.where(f.uniform("drop", real()) < self.drop, self.none(f), number)

    def apply(
        self, f: Function, role: str, number: Optional[Value], *inputs: Value, mode: Mode = Mode()
    ) -> list[Value]:
        """Applies a role as Function.apply does, to the class as well where the role takes one parameter more."""
        r = f.p.role(role)
        if r is not None and number is not None and self.told(r, len(inputs)):
            if r.inputs[-1].dtype != "i32":
                width = r.inputs[-1].dims[0]
                if self.drop > 0 and width > self.classes:  # none is told as zeros whatever the width
                    number = f.where(number < self.none(f), number, self._of(f, width))
                number = f.one_hot(number, width)
            inputs = (*inputs, number)
        return f.apply(role, *inputs, mode=mode)

    def guided(
        self, f: Function, options: Arguments, number: Optional[Value], say: Callable[[Optional[Value]], Value]
    ) -> Value:
        """1 - w of what is said without the class and w of what is said with it (Ho & Salimans 2022, equation 6).

        w is the option ``guidance``, without which it is 1; ``say`` applies the network to a class.
        """
        told = say(number)
        w = options.real("guidance") if "guidance" in options else 1
        if not self.field or w == 1:
            return told
        free = say(self.none(f))
        return f.add(free, f.scale(f.sub(told, free), w))


def label_of(r: BuildRequest) -> Label:
    """What the arguments ``label`` and ``drop`` say; refuses what is wrong with them."""
    a = r.arguments  # which may not declare them
    name, drop = a.text("label") if "label" in a else "", a.real("drop") if "drop" in a else 0.0
    if not name:
        if drop > 0:
            raise refuse(
                "drop",
                "`drop` is how often no class is told, and the model has no `label`",
                "write `label = label` as well",
            )
        return Label(drop=drop)
    if name not in r.fields:
        raise refuse("label", f"the data have no field `{name}`", "the usual name is `label`")
    classes = r.classes.get(name, 0)
    if r.fields[name] != integer() or classes < 1:
        raise refuse(
            "label",
            f"field `{name}` is {wire(r.fields[name])}, no class number",
            "name a field that holds class numbers",
        )
    if drop == 1:
        raise refuse(
            "drop",
            "with `drop = 1` no network is ever told a class",
            "write `drop = 0.1`, or leave both `drop` and `label` out",
        )
    return Label(name, classes, max(classes, r.all.get(name, 0)), drop)


def label_param(told: str) -> Param:
    """Declares a model's argument ``label``. ``told`` ends the sentence on it: "which both networks are then told"."""
    return Param("label", FIELD, doc="field of the data with the class of an image, " + told)


def drop_param() -> Param:
    """Declares a model's argument ``drop``."""
    doc = "how often the network is told no class in training, as `guidance` wants it"
    return Param("drop", REAL, default="0", min=0, max=1, doc=doc)


def label_option() -> Param:
    """Declares a sampler's option ``label``."""
    return Param("label", INT, min=0, doc="the class to draw; absent: those that the action says, see `labels`")


def guidance_option(what: str) -> Param:
    """Declares a sampler's option ``guidance``. ``what`` names the network's answer: "velocity"."""
    doc = f"how far the class leads: the {what} without it, and so many times what the class changes of it"
    return Param("guidance", REAL, default="1", min=0, doc=doc)


def shortest_table(text: str, number: int) -> int:
    """The rows of the shortest table that a network looks input ``number`` up in: of a ``sinusoid`` or an ``embedding``.

    0 where there is none. A model that tells a network of more steps or classes refuses it.
    """
    found = 0
    for g in parse(text).functions:
        for n in g.nodes:
            if n.op != "rows":
                continue
            source = n.inputs[1].node
            while source.op == "reshape":  # tokens of a map are looked up in a row
                source = source.inputs[0].node
            if number >= len(g.inputs) or source is not g.inputs[number]:
                continue
            table: Type = n.inputs[0].type
            found = min(found or table.dims[0], table.dims[0])
    return found
