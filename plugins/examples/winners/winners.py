"""Leaky neurons that compete: in each time step at most so many of those at a place fire."""

from __future__ import annotations

import numpy as np

import snnc
from snnc.schema import INT, NEURON, REAL, Opaque

F = np.float32


def prepare(use: snnc.Use) -> snnc.Prepared:
    """What computes a use: the last dim holds the channels, which compete."""
    tau, most, channels = F(use.arguments.real("tau")), use.arguments.int("most"), use.dims[-1]
    if most > channels:
        raise snnc.refuse("most", f"{most} of {channels} channels cannot fire", f"write `most = {channels}` or less")

    def chosen(v: np.ndarray) -> np.ndarray:
        """Which fire: those that reach the threshold of 1 and are among the greatest; of equal ones the first."""
        rank = np.argsort(np.argsort(-v, axis=-1, kind="stable"), axis=-1, kind="stable")
        return (v >= 1) & (rank < most)

    def forward(f: snnc.Forward) -> None:
        (x,), (v,) = f.inputs, f.state
        for t in range(f.steps):
            v += (x[t] - v) / tau
            if f.saved:
                f.saved[0][t] = v
            fires = chosen(v)
            f.output[t] = fires
            v[fires] = 0

    def backward(b: snnc.Backward) -> None:
        (u,), (dx,) = b.saved, b.inputs
        later = np.zeros_like(u[0])  # the gradient by the membrane behind the step
        for t in reversed(range(b.steps)):
            slope = 1 / (1 + (F(np.pi) * (u[t] - 1)) ** 2)  # atan with alpha = 2 (Fang et al. 2021)
            by = (b.gradient[t] - later * u[t]) * slope + np.where(chosen(u[t]), 0, later)
            dx[t] = by / tau
            later = by - by / tau

    return snnc.Prepared(forward, backward, states={"v": 0}, saved=["u"])


def plugin() -> snnc.Plugin:
    """All that this program serves."""
    params = [
        snnc.Param("tau", REAL, default="2", min=1, doc="of the membrane, in steps"),
        snnc.Param("most", INT, default="1", min=1, doc="how many channels fire at most, at one place in one time step"),
    ]
    doc = "Leaky neurons of which at each place only the greatest fire. What equations say is of each neuron by itself."
    opaque = Opaque(spikes=True, gradient=True)
    neuron = snnc.Component(NEURON, "winners", "1.0", doc, params=params, opaque=opaque)
    return snnc.Plugin("acme/winners", "1.0.0", opaque=[snnc.Opaque(neuron, prepare)])


if __name__ == "__main__":
    snnc.serve(plugin())
