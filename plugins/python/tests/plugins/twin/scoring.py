"""The coder that decodes over time by attention, as SGAD does (Feng et al. 2024), as the built-in coder has it."""

from __future__ import annotations

import math

import snnc
from snnc import Builder, Init, Module, Param, Type, Variable
from snnc.graph import Value
from snnc.schema import CODER, INT, Arguments


def coder() -> snnc.Coder:
    """The component."""
    params = [Param("width", INT, default="256", min=1), Param("reduce", INT, default="0", min=0)]
    return snnc.Coder(snnc.Component(CODER, "scoring", "1.0", "Attention over time.", params=params), decode=decode)


class Dense:
    """A linear layer over the whole of an example; its weights begin within 1 / sqrt(inputs)."""

    def __init__(self, m: Module, name: str, inputs: int, outputs: int) -> None:
        self.weight, self.bias = name + ".weight", name + ".bias"
        start = Init("uniform", -1 / math.sqrt(inputs), 1 / math.sqrt(inputs))
        m.variables += [
            Variable(self.weight, Type(dims=(outputs, inputs)), start),
            Variable(self.bias, Type(dims=(outputs,)), start),
        ]

    def of(self, b: Builder, x: Value) -> Value:
        """The layer of x."""
        product = b.matmul(x, b.read(self.weight), transpose=True)
        return product + b.read(self.bias)


def decode(args: Arguments, t: Type) -> str:
    """The graph for images with time steps: V = X[0], and then V = a V + (1 - a) X[t] for t = 1, 2, ..."""
    m, size = Module(), t.size()
    width, reduced = args.int("width"), args.int("reduce")
    reduction = Dense(m, "reduce", size, reduced) if reduced else None
    query, key = (Dense(m, name, reduced or size, width) for name in ("query", "key"))
    for mode in ("train", "eval"):
        b = Builder(mode, m)
        x = b.input("x", t)
        if t.dtype != "f32":
            x = b.cast(x, "f32")
        x = b.reshape(x, size)

        def seen(x: Value, b: Builder = b) -> Value:
            return x if reduction is None else b.max(reduction.of(b, x), 0)

        def score(q: Value, k: Value, b: Builder = b) -> Value:
            return b.sum(q * k, 0) * (1 / math.sqrt(width))

        def at(x: Value, i: int, b: Builder = b) -> Value:
            return b.sum(b.slice(x, "t", i, 1), "t")

        keys = key.of(b, seen(x))  # of all steps at once
        v = at(x, 0)
        for i in range(1, t.steps):
            y, now = at(x, i), seen(v)
            q, own = query.of(b, now), key.of(b, now)
            keep = b.reshape(b.sigmoid(score(q, own) - score(q, at(keys, i))), 1)  # the softmax of two
            v = v * keep + y * (1 - keep)
        b.output("y", b.reshape(v, *t.dims))
        m.functions.append(b.finish())
    return snnc.print_module(m)
