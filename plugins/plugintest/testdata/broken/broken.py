"""A plugin that is right, or has the one fault that its argument names, as the program in Go beside it."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import sys

import numpy as np

import snnc
from snnc.schema import NEURON, TIME, Opaque

FAULT = sys.argv[1]
F = np.float32
calls = 0


def prepare(use: snnc.Use) -> snnc.Prepared:
    """What computes v' = (x - v) / tau, with a spike and a reset to 0 where v >= 1."""
    tau = F(use.arguments.real("tau"))
    left = np.zeros(0, F)  # where the last call ended

    def forward(f: snnc.Forward) -> None:
        global calls
        nonlocal left
        calls += 1
        (x,), (v,) = f.inputs, f.state
        match FAULT:
            case "leak":
                if left.shape == v.shape:
                    v[:] = left
            case "crash":
                if calls == 3:
                    os._exit(2)
            case "files":
                with contextlib.suppress(OSError):
                    pathlib.Path("../left").write_text("")
            case "network":
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", 9), 1)
        for t in range(f.steps):
            v += (x[t] - v) / tau
            if f.saved:
                f.saved[0][t] = v
            f.output[t] = v >= 1
            v[v >= 1] = 0
        left = v.copy()

    def backward(b: snnc.Backward) -> None:
        (u,), (dx,) = b.saved, b.inputs
        later = np.zeros_like(u[0])
        for t in reversed(range(b.steps)):
            slope = 1 / (1 + (F(np.pi) * (u[t] - 1)) ** 2)
            by = (b.gradient[t] - later * u[t]) * slope + np.where(u[t] >= 1, 0, later)
            dx[t] = -by / tau if FAULT == "sign" else by / tau
            later = by - by / tau

    return snnc.Prepared(forward, backward, states={"v": 0}, saved=["u"])


if __name__ == "__main__":
    if FAULT == "early":
        print("loading weights ...", flush=True)
    params = [snnc.Param("tau", TIME, default="2 steps", doc="of the membrane")]
    neuron = snnc.Component(NEURON, "leap", "1.0.0", "A leaky neuron.", params=params, opaque=Opaque(spikes=True, gradient=True))
    snnc.serve(snnc.Plugin("acme/broken", "1.0.0", opaque=[snnc.Opaque(neuron, prepare)]))
