"""A plugin of one neuron that computes by itself, in numpy: whole blocks of examples over all time steps, in memory that
it shares with snnc. What equations can say is faster as equations."""

from __future__ import annotations

import numpy as np

import snnc
from snnc.schema import NEURON, TIME, Opaque


def prepare(use: snnc.Use) -> snnc.Prepared:
    """What computes a use: v += (x - v) / tau, a spike where v >= 1, and then v = 0."""
    tau = np.float32(use.arguments.real("tau"))

    def forward(f: snnc.Forward) -> None:
        (x,), (v,) = f.inputs, f.state  # [steps, examples, *dims] and [examples, *dims]
        for t in range(f.steps):
            v += (x[t] - v) / tau
            if f.saved:
                f.saved[0][t] = v
            fires = v >= 1
            f.output[t] = fires
            v[fires] = 0

    def backward(b: snnc.Backward) -> None:
        """In the place of the derivative of the spike stands 1 / (1 + (pi (v - 1))^2)."""
        (u,), (dx,) = b.saved, b.inputs
        later = np.zeros_like(u[0])  # the gradient by the membrane behind the step
        for t in reversed(range(b.steps)):
            d = (b.gradient[t] - later * u[t]) / (1 + (np.pi * (u[t] - 1)) ** 2)  # by the spike, which also resets
            d += np.where(u[t] >= 1, 0, later)
            dx[t] = d / tau
            later = d - d / tau

    return snnc.Prepared(forward, backward, states={"v": 0}, saved=["u"])  # u: the membrane before it is reset


def plugin() -> snnc.Plugin:
    """All that this program serves."""
    tau = snnc.Param("tau", TIME, default="2 steps", min=1, doc="of the membrane")
    opaque, doc = Opaque(spikes=True, gradient=True), "A leaky neuron with a threshold of 1."
    neuron = snnc.Component(NEURON, "leap", "0.1.0", doc, params=[tau], opaque=opaque)
    return snnc.Plugin("acme/leap", "0.1.0", opaque=[snnc.Opaque(neuron, prepare)])


if __name__ == "__main__":
    snnc.serve(plugin())
