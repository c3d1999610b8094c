"""The generative adversarial network (Goodfellow et al. 2014) on a critic's numbers, as the built-in model has it."""

from __future__ import annotations

import snnc
from snnc import Choice, Function, Mode, Param, Step, refuse
from snnc.graph import Value
from snnc.schema import CHOICE, INT, MODEL, RANGE, REAL, Arguments

GENERATOR, DISCRIMINATOR = "generator", "discriminator"


def model() -> snnc.Model:
    """The component."""
    penalty = Param("penalty", REAL, min=0, doc="weight of the penalty on the critic's slope (Gulrajani et al. 2017)")
    between = Param("between", RANGE, default="0..1", doc="lowest and highest value")
    return snnc.Model(
        snnc.Component(
            MODEL,
            "gan",
            "1.0",
            "A generative adversarial network.",
            roles=[
                snnc.schema.Role(GENERATOR, doc="noise to image"),
                snnc.schema.Role(DISCRIMINATOR, doc="image to numbers"),
            ],
            params=[
                Param(
                    "loss",
                    CHOICE,
                    default="least_squares",
                    choices=[
                        Choice("least_squares"),
                        Choice("non_saturating"),
                        Choice("wasserstein", params=[penalty]),
                        Choice("hinge"),
                    ],
                ),
                Param("noise", CHOICE, choices=[Choice("normal"), Choice("uniform", params=[between])]),
                Param("critic_steps", INT, default="1", min=1, max=1e6),
                snnc.label_param("which both networks are then told"),
            ],
            samplers=[Choice("once", params=[snnc.label_option()])],
            exports=["generate", "score"],
        ),
        build,
        sampler,
    )


class GAN:
    """A model under construction."""

    def __init__(self, r: snnc.BuildRequest, *roles: str) -> None:
        self.b = snnc.ProgramBuilder([n for n in r.networks if n.role in roles])
        self.args, self.image, self.label = r.arguments, r.image(), snnc.label_of(r)
        for n in r.networks:
            self.label.check(n, self.role(n.role), 1)
        self.loss, self.loss_args = self.args.text("loss"), self.args["loss"].args

    def role(self, name: str) -> snnc.Role:
        """A role that is there."""
        r = self.b.role(name)
        assert r is not None
        return r

    def borders(self) -> None:
        """Judges the wires of the networks."""
        takes = self.role(DISCRIMINATOR).inputs[0]
        if takes != self.image:
            raise refuse(
                DISCRIMINATOR,
                f"the discriminator takes {snnc.wire(takes)}, the data have images {snnc.wire(self.image)}",
                "give the discriminator's parameter the size of the images, or the data set the size of the network",
            )

    def tell(self, f: Function, role: str, mode: Mode, x: Value, label: Value | None) -> Value:
        """Applies a role to its first input and the class."""
        return self.label.apply(f, role, label, x, mode=mode)[0]

    def noise(self, f: Function, label: str) -> Value:
        """Draws the generator's input."""
        t, how = self.role(GENERATOR).inputs[0], self.args.get_value("noise")
        if how.text != "uniform":
            return f.normal(label, t)
        low, high = (x.number for x in how.args["between"].items)
        u = f.uniform(label, t)
        return u if (low, high) == (0, 1) else f.scale(u, high - low) + low

    def fake(self, f: Function, label: str, mode: Mode, number: Value | None) -> Value:
        """Generated images."""
        return self.tell(f, GENERATOR, mode, self.noise(f, label), number)

    def discriminate(self, f: Function) -> None:
        """The discriminator's step."""
        x, label = f.input("image", self.image), self.label.input(f)
        y = f.stop(self.fake(f, "z", Mode(), label))
        real, fake = (self.tell(f, DISCRIMINATOR, Mode(), v, label) for v in (x, y))
        one = f.const(1)
        if self.loss == "least_squares":
            total = (f.mean_square(real, one) + f.mean(f.square(fake))) * 0.5
        elif self.loss == "non_saturating":  # -log s(x) = softplus(-x), -log(1 - s(x)) = softplus(x)
            total = f.mean(softplus(f, -real)) + f.mean(softplus(f, fake))
        elif self.loss == "hinge":
            total = f.mean(f.max(one - real, 0)) + f.mean(f.max(one + fake, 0))
        else:
            total = f.mean(fake) - f.mean(real)
        penalty = self.penalty(f, x, y, label) if "penalty" in self.loss_args else None
        f.output("total", total if penalty is None else total + penalty * self.loss_args.real("penalty"))
        f.output("real", f.mean(real))
        f.output("fake", f.mean(fake))
        if penalty is not None:
            f.output("penalty", penalty)

    def penalty(self, f: Function, x: Value, y: Value, label: Value | None) -> Value:
        """The mean of (|d D / d p| - 1)^2 at points p that lie at random between images of the data and generated ones."""
        p = y + f.uniform("between", snnc.real(1)) * (x - y)
        score = self.tell(f, DISCRIMINATOR, Mode(), p, label)
        slope = f.op("grad", f.sum(score), p)
        length = f.sqrt(f.sum(f.square(slope), *self.image.dim_axes()) + 1e-12)
        return f.mean_square(length, 1)

    def deceive(self, f: Function) -> None:
        """The generator's step."""
        label = self.label.input(f)
        y = self.fake(f, "z", Mode(), label)
        fake = self.tell(f, DISCRIMINATOR, Mode(frozen=True), y, label)
        if self.loss == "least_squares":
            total = f.mean_square(fake, 1) * 0.5
        elif self.loss == "non_saturating":
            total = f.mean(softplus(f, -fake))
        else:
            total = -f.mean(fake)
        f.output("total", total)

    def score(self, f: Function) -> None:
        """What the discriminator says of images."""
        x, label = f.input("image", self.image), self.label.input(f)
        f.output("score", self.tell(f, DISCRIMINATOR, Mode(eval=True), x, label))

    def sampler(self, options: Arguments) -> None:
        """Adds the sampler, and the function that draws its images."""
        self.b.function(
            "generate",
            lambda f: f.output("image", self.fake(f, "sample", Mode(eval=True), self.label.drawn(f, options))),
        )
        self.b.sampler(snnc.Sampler("once", "generate", given=self.label.given(options)))


def softplus(f: Function, x: Value) -> Value:
    """log(1 + exp(x)), which no x makes overflow."""
    size, one = f.abs(x), f.const(1)
    tail = f.log(one + f.exp(-size))
    return (x + size) * 0.5 + tail


def build(r: snnc.BuildRequest) -> str:
    """The Program for checked arguments."""
    m = GAN(r, GENERATOR, DISCRIMINATOR)
    m.borders()
    m.b.function("discriminate", m.discriminate)
    m.b.function("deceive", m.deceive)
    m.b.function("score", m.score)
    m.b.stream("images", *m.label.fields("image"))
    m.b.stage(
        "train",
        "images",
        Step("discriminate", [DISCRIMINATOR], DISCRIMINATOR),
        Step("deceive", [GENERATOR], GENERATOR, every=m.args.int("critic_steps")),
    )
    m.sampler(Arguments())
    m.b.export("generate", "generate")
    m.b.export("score", "score")
    return m.b.finish()


def sampler(r: snnc.BuildRequest, name: str, options: Arguments) -> str:
    """The sampler ``once`` for its options."""
    r.networks = [n for n in r.networks if n.role == GENERATOR]
    m = GAN(r, GENERATOR)
    m.label.check_options(options)
    m.sampler(options)
    return m.b.finish()
