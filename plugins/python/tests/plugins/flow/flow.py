"""Flow matching (Lipman et al. 2023), as the built-in model has it."""

from __future__ import annotations

import math

import snnc
from snnc import Choice, Function, Mode, Param, Step, integer, real, refuse, scalar
from snnc.graph import Value
from snnc.schema import CHOICE, INT, MODEL, REAL, Arguments
from snnc.schema import Value as Argument

VELOCITY = "velocity"
COLUMNS = ["t", "u", "h"]  # a turn of length h from time t; at time u a sampler asks a second time

# Where within a turn a sampler asks a second time, and how much the two answers weigh.
SOLVERS = {"euler": (0.0, 1.0, 0.0), "midpoint": (0.5, 0.0, 1.0), "heun": (1.0, 0.5, 0.5)}


def model() -> snnc.Model:
    """The component."""
    options = [snnc.guidance_option("velocity"), snnc.label_option()]
    samplers = [
        Choice(name, params=[Param("steps", INT, default=steps, min=1, max=10_000), *options])
        for name, steps in (("euler", "50"), ("midpoint", "25"), ("heun", "25"))
    ]
    rest = Param("rest", REAL, default="0", min=0, max=1)
    drawn = [Param("mean", REAL, default="0"), Param("std", REAL, default="1", min=0)]
    return snnc.Model(
        snnc.Component(
            MODEL,
            "flow",
            "1.0",
            "Flow matching.",
            roles=[snnc.schema.Role(VELOCITY, doc="(image on its way, time) to its velocity")],
            params=[
                Param("path", CHOICE, default="straight", choices=[Choice("straight", [rest]), Choice("cosine")]),
                Param("time", CHOICE, default="uniform", choices=[Choice("uniform"), Choice("logit_normal", drawn)]),
                Param("times", INT, default="1000", min=1, max=10_000),
                snnc.difference_param("the network's velocity and that of the path"),
                snnc.clip_param("samples are held"),
                snnc.label_param("which the network is then told"),
                snnc.drop_param(),
            ],
            samplers=samplers,
            exports=["velocity"],
        ),
        build,
        lambda r, name, options: Flow(r).drawing(name, options),
    )


def build(r: snnc.BuildRequest) -> str:
    """The Program for checked arguments."""
    m = Flow(r)
    m.b.function("step", m.step)
    m.b.function("velocity", m.velocity)
    m.b.stream("images", *m.label.fields("image"))
    m.b.stage("train", "images", Step("step", [VELOCITY]))
    m.b.export("velocity", "velocity")
    sheets = min(snnc.SHEET_TURNS, m.times) if m.times else snnc.SHEET_TURNS
    return m.drawing("euler", Arguments(steps=Argument(INT, number=sheets)))


class Flow:
    """A model under construction."""

    def __init__(self, r: snnc.BuildRequest) -> None:
        self.b = snnc.ProgramBuilder(r.networks)
        self.args, self.image = r.arguments, r.image()
        self.clip = r.clipping()
        self.label = snnc.label_of(r)
        net = self.b.role(VELOCITY)
        assert net is not None
        if len(net.inputs) != (3 if self.label.field else 2) or net.inputs[1] not in (integer(), real(1)):
            raise refuse(VELOCITY, "the network takes an image, a time, and with `label` a class")
        self.label.check(r.networks[0], net, 2)
        self.time = net.inputs[1]
        self.times = self.args.int("times") if self.time.dtype == "i32" else 0  # that a network of steps knows

    def ask(self, f: Function, mode: Mode, x: Value, t: Value, number: Value | None) -> Value:
        """Applies the network to an image, a time and the class."""
        return self.label.apply(f, VELOCITY, number, x, t, mode=mode)[0]

    def velocity(self, f: Function) -> None:
        """What the network says."""
        x, t, number = f.input("image", self.image), f.input("t", self.time), self.label.input(f)
        f.output("image", self.ask(f, Mode(eval=True), x, t, number))

    def step(self, f: Function) -> None:
        """The training function (Lipman et al. 2023, equation 23)."""
        image, number = f.input("image", self.image), self.label.input(f)
        noise = f.normal("noise", self.image)
        if (how := self.args["time"]).text == "logit_normal":
            z = f.normal("time", real())
            t = f.sigmoid(z * how.args.real("std") + how.args.real("mean"))
        else:
            t = f.uniform("time", real())
        asked = f.reshape(t, 1)
        if self.times:  # the time is that of the step below
            s = f.min(f.floor(t * self.times), self.times - 1)
            asked, t = f.to_int(s), s * (1 / self.times)
        x, aim = self.way(f, image, noise, t)
        y = self.ask(f, Mode(), x, asked, self.label.withheld(f, number))
        f.difference(self.args["loss"], y, aim)

    def way(self, f: Function, image: Value, noise: Value, t: Value) -> tuple[Value, Value]:
        """The point at time t of the way from noise to an image, and its velocity there."""
        if self.args.text("path") == "cosine":
            angle = t * (math.pi / 2)
            s, c = f.sin(angle), f.cos(angle)
            x = image * s + noise * c
            return x, (image * c - noise * s) * (math.pi / 2)
        faded = 1 - self.args["path"].args.real("rest")
        x = image * t + noise * f.sub(f.const(1), t * faded)
        return x, image - noise * faded

    def drawing(self, name: str, options: Arguments) -> str:
        """Adds a sampler with its functions, and returns the Program's text."""
        self.label.check_options(options)
        at, before, after = SOLVERS[name]

        def turn(f: Function) -> None:
            x, number = f.input("x", self.image), self.label.drawn(f, options)
            c = {name: f.input(name, scalar()) for name in COLUMNS}

            def speed(x: Value, t: Value) -> Value:
                t = f.expand(f.to_int(t) if self.times else t, self.time)
                return self.label.guided(f, options, number, lambda k: self.ask(f, Mode(eval=True), x, t, k))

            v = speed(x, c["t"])
            if at > 0:
                then = speed(x + v * (c["h"] * at), c["u"])
                v = v * before + then * after
            f.output("x", x + v * c["h"])

        self.b.function("start", lambda f: f.output("x", f.normal("start", self.image)))
        self.b.function("turn", turn)
        self.b.function("generate", lambda f: f.output("image", f.clip(f.input("x", self.image), self.clip)))
        rows = table(at, options.int("steps"), self.times)
        given = self.label.given(options)
        self.b.sampler(snnc.Sampler(name, "generate", "start", "turn", len(rows), given, COLUMNS, rows))
        return self.b.finish()


def table(at: float, steps: int, times: int) -> list[list[float]]:
    """The rows of a sampler: from time 0 to 1 in so many turns, at times that a network of steps knows."""
    rows = []
    for k in range(steps):
        begin, end = k / steps, (k + 1) / steps
        if not times:
            rows.append([begin, begin + at * (end - begin), end - begin])
            continue
        first, last = round(begin * times), round(end * times)
        rows.append([first, min(round(first + at * (last - first)), times - 1), (last - first) / times])
    return rows


if __name__ == "__main__":
    snnc.serve(snnc.Plugin("acme/flow", "1.0.0", models=[model()]))
