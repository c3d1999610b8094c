"""A plugin of one coder, which is a graph: snnc compiles it, and nothing is computed in this process."""

from __future__ import annotations

from typing import Callable

import snnc
from snnc.graph import Builder, Value
from snnc.schema import CODER, INT, Arguments

DOC = """Values of 0..1 as spikes at the first time steps, the more the greater they are.

It decodes to the share of steps with a spike.
"""


def plugin() -> snnc.Plugin:
    """All that this program serves."""
    steps = snnc.Param("steps", INT, default="8", min=1, max=4096, doc="time steps that are encoded")
    coder = snnc.Component(CODER, "leap", "0.1.0", DOC, params=[steps])
    return snnc.Plugin("acme/leap", "0.1.0", coders=[snnc.Coder(coder, encode, decode)])


def encode(args: Arguments, t: snnc.Type) -> str:
    """Spikes at step t where t + 1/2 < steps x."""
    steps = args.int("steps")
    return module(t, lambda b, x: b.op("lt", b.op("iota", steps=steps) + 0.5, x * steps))


def decode(args: Arguments, t: snnc.Type) -> str:
    """The mean over time."""
    return module(t, lambda b, x: b.mean(x if t.dtype == "f32" else b.cast(x, "f32"), "t"))


def module(t: snnc.Type, build: Callable[[Builder, Value], Value]) -> str:
    """The text of a graph that is the same in training and in evaluation."""
    m = snnc.Module()
    for mode in ("train", "eval"):
        b = Builder(mode, m)
        b.output("y", build(b, b.input("x", t)))
        m.functions.append(b.finish())
    return snnc.print_module(m)


if __name__ == "__main__":
    snnc.serve(plugin())
