"""Score-based generative modelling by a stochastic differential equation (Song et al., ICLR 2021), as a Program.

The equation is the variance preserving one, dx = -b(t) x / 2 dt + sqrt(b(t)) dw with b(t) = low + t (high - low), for t
from 0 to 1. At time t an image x is exp(-B / 2) x + sqrt(1 - exp(-B)) z, B the integral of b and z normal (equation
29). The network tells z; the score is -z / sqrt(1 - exp(-B)).
"""

from __future__ import annotations

import math

import snnc
from snnc import Choice, Function, Mode, Param, real, refuse
from snnc.graph import Value
from snnc.schema import INT, MODEL, REAL, Arguments, Role
from snnc.schema import Value as Argument

NOISE = "noise"  # the role of the network
FIRST = 1e-3  # the time at which samplers end (appendix C)
LEAST = 1e-5  # the least time in training
COLUMNS = ["t", "std", "part", "kick", "u", "std_u", "step"]


def plugin() -> snnc.Plugin:
    """All that this program serves."""
    steps = Param("steps", INT, default="200", min=1, max=10_000, doc="turns from noise to an image")
    ratio = Param("ratio", REAL, default="0.16", min=0, max=10, doc="of signal to noise in a corrector's step")
    component = snnc.Component(
        MODEL,
        "sde",
        "1.0",
        "Score-based generation by the variance preserving SDE (Song et al., ICLR 2021).",
        roles=[Role(NOISE, doc="(image with noise, time as real[1]) to the noise")],
        params=[
            Param("low", REAL, default="0.1", min=1e-4, max=100, doc="b at time 0"),
            Param("high", REAL, default="20", min=1e-4, max=100, doc="b at time 1"),
            snnc.clip_param("samples are held"),
        ],
        samplers=[
            Choice("euler", [steps], "Euler-Maruyama steps of the equation in reverse time (equation 6)"),
            Choice("corrected", [steps, ratio], "the same, each followed by a Langevin step (algorithms 3 and 5)"),
            Choice("ode", [steps], "Euler steps of the probability flow (equation 13): nothing is drawn on the way"),
        ],
        exports=[NOISE],
    )
    model = snnc.Model(component, build, lambda r, name, options: SDE(r).drawing(name, options))
    return snnc.Plugin("acme/sde", "1.0.0", models=[model])


def build(r: snnc.BuildRequest) -> str:
    """The Program for checked arguments."""
    m = SDE(r)
    m.b.function("step", m.step)
    m.b.function(NOISE, m.said)
    m.b.stream("images", "image")
    m.b.stage("train", "images", snnc.Step("step", [NOISE]))
    m.b.export(NOISE, NOISE)
    return m.drawing("euler", Arguments(steps=Argument(INT, number=snnc.SHEET_TURNS)))


def integral(t: float, low: float, high: float) -> float:
    """B, of b from 0 to t."""
    return low * t + (high - low) * t * t / 2


def rows(steps: int, low: float, high: float) -> list[list[float]]:
    """A sampler's turns from time 1 to FIRST, by COLUMNS.

    A turn goes from t to u; std and std_u are the noise there, part is b dt, kick what of new noise is added, and step
    that of a corrector at u, 1 - b(u) dt. The last turn ends with the mean, so kick and step are 0 in it.
    """
    table = []
    dt = (1 - FIRST) / steps
    for k in range(steps):
        t, u = 1 - k * dt, 1 - (k + 1) * dt
        std, std_u = (math.sqrt(-math.expm1(-integral(x, low, high))) for x in (t, u))
        part, last = (low + t * (high - low)) * dt, k == steps - 1
        step = max(0.0, 1 - (low + u * (high - low)) * dt)
        table.append([t, std, part, 0 if last else math.sqrt(part), u, std_u, 0 if last else step])
    return table


class SDE:
    """A model under construction."""

    def __init__(self, r: snnc.BuildRequest) -> None:
        self.b, self.image, self.clip = snnc.ProgramBuilder(r.networks), r.image(), r.clipping()
        self.low, self.high = r.arguments.real("low"), r.arguments.real("high")
        net = self.b.role(NOISE)
        if net is None or net.inputs != [self.image, real(1)] or net.outputs != [self.image]:
            help = "declare it as `(image: real[...], t: real[1]) -> real[...]`"
            raise refuse(NOISE, "the network takes an image and a time, and gives an image", help)

    def ask(self, f: Function, x: Value, t: Value, mode: Mode) -> Value:
        """The noise in x, by the network."""
        return f.apply(NOISE, x, t, mode=mode)[0]

    def said(self, f: Function) -> None:
        """What the network says."""
        f.output("noise", self.ask(f, f.input("image", self.image), f.input("t", real(1)), Mode(eval=True)))

    def step(self, f: Function) -> None:
        """The training function (equation 7, weighted by the variance of the noise)."""
        image, z = f.input("image", self.image), f.normal("noise", self.image)
        t = f.uniform("time", real()) * (1 - LEAST) + LEAST
        b = t * self.low + t * t * ((self.high - self.low) / 2)
        kept = f.exp(-b)
        variance = f.tanh(b * 0.5) * (kept + 1)  # 1 - exp(-b), without its cancellation
        x = image * f.sqrt(kept) + z * f.sqrt(variance)
        f.output("total", f.mean_square(self.ask(f, x, f.reshape(t, 1), Mode()), z))

    def drawing(self, name: str, options: Arguments) -> str:
        """Adds a sampler with its functions, and returns the Program's text."""

        def turn(f: Function) -> None:
            x = f.input("x", self.image)
            c = {name: f.input(name, snnc.scalar()) for name in COLUMNS}

            def score(x: Value, t: str, std: str) -> Value:
                z = self.ask(f, x, f.expand(c[t], real(1)), Mode(eval=True))
                return -(z / c[std])

            half, s = c["part"] * 0.5, score(x, "t", "std")
            if name == "ode":
                f.output("x", x + (x + s) * half)
                return
            x = x + x * half + s * c["part"] + f.normal("predict", self.image) * c["kick"]
            if name == "corrected":
                s, z = score(x, "u", "std_u"), f.normal("correct", self.image)
                axes = range(len(self.image.dims))
                length = f.sum(z * z, *axes) / f.max(f.sum(s * s, *axes), 1e-12)
                e = length * c["step"] * (2 * options.real("ratio") ** 2)
                x = x + s * e + z * f.sqrt(e * 2)
            f.output("x", x)

        self.b.function("start", lambda f: f.output("x", f.normal("start", self.image)))
        self.b.function("turn", turn)
        self.b.function("finish", lambda f: f.output("image", f.clip(f.input("x", self.image), self.clip)))
        table = rows(options.int("steps"), self.low, self.high)
        self.b.sampler(snnc.Sampler(name, "finish", "start", "turn", len(table), [], COLUMNS, table))
        return self.b.finish()


if __name__ == "__main__":
    snnc.serve(plugin())
