"""A plugin of one coder that computes by itself, in numpy: whole blocks of examples over all time steps, in memory that
it shares with snnc. What equations or a graph can say is faster so."""

from __future__ import annotations

import numpy as np

import snnc
from snnc.schema import CODER, DECODE, ENCODE, INT, Opaque


def prepare(use: snnc.Use) -> snnc.Prepared:
    """What computes a direction."""
    return snnc.Prepared(mean, spread) if use.direction == DECODE else snnc.Prepared(integrate, gather)


def integrate(f: snnc.Forward) -> None:
    """Adds up the value, from 1/2, and spikes wherever the sum has reached another whole number."""
    (x,) = f.inputs  # [examples, *dims]
    total = np.full_like(x, 0.5)
    for t in range(f.steps):
        total += x
        f.output[t] = total >= 1
        total -= f.output[t]


def gather(b: snnc.Backward) -> None:
    """Takes 1 for the derivative of each spike by the value."""
    b.inputs[0][...] = b.gradient.sum(0)


def mean(f: snnc.Forward) -> None:
    """Decodes."""
    f.output[...] = f.inputs[0].sum(0) / np.float32(f.steps)


def spread(b: snnc.Backward) -> None:
    """The derivative of mean."""
    b.inputs[0][...] = b.gradient / np.float32(b.steps)


def plugin() -> snnc.Plugin:
    """All that this program serves."""
    steps = snnc.Param("steps", INT, default="8", min=1, max=4096, doc="time steps that are encoded")
    opaque, doc = Opaque(spikes=True, gradient=True), "Values of 0..1 as so many spikes; decodes to the mean over time."
    coder = snnc.Component(CODER, "leap", "0.1.0", doc, params=[steps], directions=[ENCODE, DECODE], opaque=opaque)
    return snnc.Plugin("acme/leap", "0.1.0", opaque=[snnc.Opaque(coder, prepare)])


if __name__ == "__main__":
    snnc.serve(plugin())
