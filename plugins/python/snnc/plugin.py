"""What a plugin is made of: its components and the functions behind them."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Callable, Optional, Sequence

from .chip import Target
from .graph import Type, parse_type
from .graph.literals import number
from .opaque import Opaque
from .schema import (
    CHOICE,
    DECODE,
    ENCODE,
    RANGE,
    TERMS,
    Arguments,
    BuildQuestion,
    Choice,
    Component,
    Network,
    Param,
    refuse,
)


@dataclass
class BuildRequest:
    """What a model is built from."""

    arguments: Arguments
    networks: list[Network] = field(default_factory=list)
    fields: dict[str, Type] = field(default_factory=dict)  # of the data
    classes: dict[str, int] = field(default_factory=dict)  # of a field that holds class numbers: they are below this
    all: dict[str, int] = field(default_factory=dict)  # of one with chosen classes: how many the data set has
    bounds: dict[str, tuple[float, float]] = field(
        default_factory=dict
    )  # of a field of real numbers: least and greatest

    def image(self) -> Type:
        """The type of the data's field ``image``; refuses data without one."""
        if "image" not in self.fields:
            raise refuse(
                "",
                "this model is trained on images, and the data have no field `image`",
                "train it on a data set of images",
            )
        return self.fields["image"]

    def clipping(self) -> tuple[float, float]:
        """The bounds of images that the argument ``clip``, of clip_param, says, infinite ones where there are none.

        Refuses bounds that cut off what images of the data have.
        """
        how, known = self.arguments.get_value("clip"), self.bounds.get("image")
        items = how.args.get_value("bounds").items
        if how.text == "range" and len(items) == 2:
            low, high = items[0].number, items[1].number
            if known and (low > known[0] or high < known[1]):
                raise refuse(
                    "clip",
                    f"samples are held in {number(low)}..{number(high)}, and images of the data go from "
                    f"{number(known[0])} to {number(known[1])}",
                    "write `clip = data`",
                )
            return low, high
        if how.text == "data" and known:
            return known
        return -math.inf, math.inf


def build_request(q: BuildQuestion) -> BuildRequest:
    """The request as a model takes it."""
    types = {name: parse_type(t) for name, t in q.fields.items()}
    bounds = {name: (b[0], b[1]) for name, b in q.bounds.items()}
    return BuildRequest(q.arguments, q.networks, types, q.classes, q.all, bounds)


@dataclass
class Model:
    """A model component.

    ``build`` returns the text of the Program for checked arguments, or raises snnc.Refusal. ``sampler`` (request, name,
    options) returns that of a Program with one sampler and its functions, for samplers that have options; without it
    the samplers of build's Program are all there are. What else is in its answer: `snnc doc plugin-protocol`.
    """

    component: Component
    build: Callable[[BuildRequest], str]
    sampler: Optional[Callable[[BuildRequest, str, Arguments], str]] = None


@dataclass
class Coder:
    """A coder component that is a graph, which may own weights.

    Each direction returns the text of a module with the functions ``train`` and ``eval``, of one input of the given
    type. ``encode`` makes of real numbers a signal or spikes over as many time steps as the argument ``steps`` says,
    ``decode`` makes of what has time steps real numbers; both may change the dims, to the same for any number of steps.
    """

    component: Component
    encode: Optional[Callable[[Arguments, Type], str]] = None
    decode: Optional[Callable[[Arguments, Type], str]] = None

    def described(self) -> Component:
        """The component with its directions."""
        ways = [name for name, f in ((ENCODE, self.encode), (DECODE, self.decode)) if f]
        return dataclasses.replace(self.component, directions=[*self.component.directions, *ways])


@dataclass
class Plugin:
    """What one plugin process serves; name and version are those of its manifest."""

    name: str
    version: str
    equations: Sequence[Component] = ()  # neurons and coders that equations say all of
    coders: Sequence[Coder] = ()
    opaque: Sequence[Opaque] = ()  # neurons and coders that compute by themselves
    models: Sequence[Model] = ()
    targets: Sequence[Target] = ()

    def __post_init__(self) -> None:
        for c in self.equations:
            if c.opaque is not None:
                how = "list it in opaque=[snnc.Opaque(component, prepare)], not in equations="
                raise ValueError(f"Plugin: {c.name} is opaque: {how}")
        for o in self.opaque:
            if o.component.opaque is None:
                how = "give its component opaque=snnc.schema.Opaque(...)"
                raise ValueError(f"Plugin: {o.component.name} is listed in opaque= and says nothing of it: {how}")

    def components(self) -> list[Component]:
        """What the plugin has, in the order of its fields."""
        out = [*self.equations, *(c.described() for c in self.coders), *(o.component for o in self.opaque)]
        return [*out, *(m.component for m in self.models), *(t.described() for t in self.targets)]


def clip_param(what: str) -> Param:
    """Declares a model's argument ``clip``. ``what`` says what it is for: "samples are held"."""
    bounds = Param("bounds", RANGE, required=True, doc="least and greatest value of a pixel")
    return Param(
        "clip",
        CHOICE,
        default="data",
        doc="where " + what,
        choices=[
            Choice("data", doc="within the range of the data"),
            Choice("range", doc="within bounds", params=[bounds]),
            Choice("none", doc="nowhere"),
        ],
    )


def difference_param(what: str) -> Param:
    """Declares a model's argument ``loss`` whose terms compare pixels; ``what`` says of what."""
    return Param(
        "loss",
        TERMS,
        default="mse",
        doc="weighted sum of terms, of " + what,
        choices=[
            Choice("mse", doc="mean squared difference, over pixels"),
            Choice("mae", doc="mean absolute difference, over pixels"),
        ],
    )
