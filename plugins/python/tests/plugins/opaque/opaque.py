"""Opaque neurons and a coder in numpy: twins of those that the tests in Go have."""

from __future__ import annotations

import math
import os
import signal
import sys

import numpy as np

import snnc
from snnc import Backward, Component, Forward, Param, Prepared, Use, refuse
from snnc.schema import CODER, DECODE, ENCODE, INT, NEURON, REAL, Opaque

F = np.float32


def leaky(u: Use) -> Prepared:
    """v' = (x - v) / tau, a spike where v >= threshold, and a reset to 0; the surrogate is atan(alpha = 2)."""
    if u.arguments.real("threshold") == 0:
        raise refuse("threshold", "a membrane at rest would fire at a threshold of 0", "make it greater")
    tau, threshold = F(u.arguments.real("tau")), F(u.arguments.real("threshold"))

    def forward(f: Forward) -> None:
        (v,), (x,) = f.state, f.inputs
        for t in range(f.steps):
            v += (x[t] - v) / tau
            if f.saved:
                f.saved[0][t] = v
            spike = v >= threshold
            f.output[t] = spike
            v[spike] = 0

    def backward(b: Backward) -> None:
        dv = np.zeros((b.examples, *u.dims), F)  # by the membrane behind the step
        for t in reversed(range(b.steps)):
            v, dy = b.saved[0][t], b.gradient[t]
            above = v - threshold
            z = F(math.pi) * above
            slope = F(1) / (F(1) + z * z)
            d = np.where(above >= 0, F(0), dv) + (dy - dv * v) * slope
            b.inputs[0][t] = d / tau
            dv = d - d / tau

    return Prepared(forward, backward, {"v": 0}, ["u"])


def mortal(u: Use) -> Prepared:
    """The same in a process that dies in its second call, when it has written nonsense to what it should give."""
    own, calls = leaky(u), 0

    def die(out: snnc.opaque.Block) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            out[...] = 77
            os.kill(os.getpid(), signal.SIGKILL)

    def forward(f: Forward) -> None:
        die(f.output)
        own.forward(f)

    def backward(b: Backward) -> None:
        die(b.inputs[0])
        assert own.backward
        own.backward(b)

    return Prepared(forward, backward, own.states, own.saved)


def dither(u: Use) -> Prepared:
    """Spikes with the probability x gain, and passes the gradient on where that is between 0 and 1."""

    def forward(f: Forward) -> None:
        x, gain = f.inputs
        p = x * gain
        for e, seed in enumerate(f.seeds):
            f.output[:, e] = np.random.default_rng(seed).random((f.steps, *u.dims), F) < p[:, e]
        if f.saved:
            inside = (p > 0) & (p < 1)
            f.saved[0][...] = np.where(inside, gain, F(0))
            f.saved[1][...] = np.where(inside, x, F(0))

    def backward(b: Backward) -> None:
        for out, factor in zip(b.inputs, b.saved):
            out[...] = b.gradient * factor

    return Prepared(forward, backward, saved=["dx", "dgain"])


def window(u: Use) -> Prepared:
    """Repeats an input at all time steps, or takes the mean over them."""
    encode = u.direction == ENCODE

    def forward(f: Forward) -> None:
        f.output[...] = f.inputs[0] if encode else f.inputs[0].sum(0) * (F(1) / F(f.steps))

    def backward(b: Backward) -> None:
        b.inputs[0][...] = b.gradient.sum(0) if encode else b.gradient * (F(1) / F(b.steps))

    return Prepared(forward, backward)


def dry(u: Use) -> Prepared:
    """Gives x plus the number of time steps so far, which it counts from 10; there is no derivative."""

    def forward(f: Forward) -> None:
        for t in range(f.steps):
            f.output[t] = f.inputs[0][t] + f.state[0]
            f.state[0][...] += 1

    return Prepared(forward, states={"count": 10})


def greedy(u: Use) -> Prepared:
    """Writes to its input, which is not allowed."""

    def forward(f: Forward) -> None:
        f.inputs[0][...] = 0

    return Prepared(forward)


def component(name: str, opaque: Opaque, *params: Param) -> Component:
    """A neuron."""
    return Component(NEURON, name, "0.3.1", f"{name.capitalize()} neurons.", opaque=opaque, params=list(params))


if __name__ == "__main__":
    tau, threshold = Param("tau", REAL, default="2", min=1), Param("threshold", REAL, default="1", min=0)
    spiking = Opaque(spikes=True, gradient=True)
    coder = Component(CODER, "window", "0.3.1", "Repeats, and averages over time.", opaque=Opaque(gradient=True))
    coder.directions, coder.params = [ENCODE, DECODE], [Param("steps", INT, default="4", min=1)]
    drawn = Opaque(inputs=["x", "gain"], spikes=True, gradient=True, random=True)
    all = [
        snnc.Opaque(component("leaky", spiking, tau, threshold), leaky),
        snnc.Opaque(component("mortal", spiking, tau, threshold), mortal),
        snnc.Opaque(component("dither", drawn), dither),
        snnc.Opaque(coder, window),
        snnc.Opaque(component("dry", Opaque()), dry),
        snnc.Opaque(component("greedy", Opaque()), greedy),
    ]
    # A plugin that specs use has one neuron: the arguments are its name, and what it has.
    name, *wanted = sys.argv[1:] or ["acme/opaque"]
    snnc.serve(snnc.Plugin(name, "0.3.1", opaque=[x for x in all if not wanted or x.component.name in wanted]))
