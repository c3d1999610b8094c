"""A toy chip: cores of so many neurons, one layer of neurons to a core."""

from __future__ import annotations

import snnc
from snnc import Amount, Param, Placement, TargetReply, TargetRequest, refuse
from snnc.schema import INT, TARGET


def target() -> snnc.Target:
    """The component."""
    params = [Param("cores", INT, default="4", min=0), Param("neurons", INT, default="64", min=1)]
    return snnc.Target(snnc.Component(TARGET, "chip", "1.0", "A toy chip.", params=params), check)


def check(r: TargetRequest) -> TargetReply:
    """Places the layers of neurons one after another."""
    cores, neurons = r.arguments.int("cores"), r.arguments.int("neurons")
    if cores == 0:
        raise refuse("cores", "a chip without cores is none", "write `cores = 1` or more")
    layers = []
    for network, p in [(c.network, p) for c in r.circuits for p in c.populations]:
        size = p.neurons()
        layer = Placement(network, p.name, used=[Amount("neurons", size, neurons)])
        if size > neurons:
            layer.problem, layer.change = f"{size} neurons on a core of {neurons}", f"a layer of {neurons}"
        layers.append(layer)
    fits = len(layers) <= cores and not any(x.problem for x in layers)
    return TargetReply(fits, [Amount("cores", len(layers), cores)], layers)
