"""A plugin of one model, which is a Program: snnc trains and runs it, and nothing is computed in this process.

The model learns the velocity of points on a straight way from noise to images, and follows it from noise (rectified
flow: Liu, Gong & Liu, ICLR 2023).
"""

from __future__ import annotations

import snnc
from snnc import Choice, Function, Mode, Param, Step, real, refuse
from snnc.schema import INT, MODEL, Role

VELOCITY = "velocity"  # the argument that takes the network, and what the model exports


def plugin() -> snnc.Plugin:
    """All that this program serves."""
    model = snnc.Component(
        MODEL,
        "leap",
        "0.1.0",
        "Draws images by a straight way from noise.",
        roles=[Role(VELOCITY, doc="(image on its way, time as real[1]) to its velocity")],
        params=[Param("turns", INT, default="20", min=1, max=1000, doc="from noise to an image")],
        samplers=[Choice("euler", doc="asks for the velocity once a turn")],
        exports=[VELOCITY],
    )
    return snnc.Plugin("acme/leap", "0.1.0", models=[snnc.Model(model, build)])


def build(r: snnc.BuildRequest) -> str:
    """The Program, or what is wrong with the arguments."""
    image, turns = r.image(), r.arguments.int("turns")
    b = snnc.ProgramBuilder(r.networks)
    net = b.role(VELOCITY)
    if net is None or net.inputs != [image, real(1)] or net.outputs != [image]:
        help = f"declare it as `(image: {snnc.wire(image)}, t: real[1]) -> {snnc.wire(image)}`"
        raise refuse(VELOCITY, "the network takes an image and a time, and gives an image", help)

    def step(f: Function) -> None:
        """At a random point of the way from noise z to an image x the velocity is x - z."""
        x, z, t = f.input("image", image), f.normal("noise", image), f.uniform("time", real())
        point = x * t + z * (f.const(1) - t)
        said = f.apply(VELOCITY, point, f.reshape(t, 1))[0]
        f.output("total", f.mean_square(said, x - z))

    def turn(f: Function) -> None:
        """From noise in turns of equal length."""
        x, t = f.input("x", image), f.input("t", snnc.scalar())
        v = f.apply(VELOCITY, x, f.expand(t, real(1)), mode=Mode(eval=True))[0]
        f.output("x", x + v * (1 / turns))

    def velocity(f: Function) -> None:
        """What metrics and other models may call."""
        x, t = f.input("image", image), f.input("t", real(1))
        f.output("velocity", f.apply(VELOCITY, x, t, mode=Mode(eval=True))[0])

    b.function("step", step)
    b.stream("images", "image")
    b.stage("train", "images", Step("step", [VELOCITY]))
    b.function("start", lambda f: f.output("x", f.normal("start", image)))
    b.function("turn", turn)
    b.function("finish", lambda f: f.output("image", f.input("x", image)))
    times = [[k / turns] for k in range(turns)]
    b.sampler(snnc.Sampler("euler", "finish", "start", "turn", turns, [], ["t"], times))
    b.function(VELOCITY, velocity)
    b.export(VELOCITY, VELOCITY)
    return b.finish()


if __name__ == "__main__":
    snnc.serve(plugin())
