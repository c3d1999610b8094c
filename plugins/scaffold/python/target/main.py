"""A plugin of one target: a chip that holds so many neurons."""

from __future__ import annotations

import snnc
from snnc import Amount, Placement, TargetReply, TargetRequest
from snnc.schema import INT, TARGET


def plugin() -> snnc.Plugin:
    """All that this program serves."""
    neurons = snnc.Param("neurons", INT, default="256", min=1, doc="that the chip holds")
    target = snnc.Component(TARGET, "leap", "0.1.0", "A chip that holds so many neurons.", params=[neurons])
    return snnc.Plugin("acme/leap", "0.1.0", targets=[snnc.Target(target, check)])


def check(r: TargetRequest) -> TargetReply:
    """Counts the spiking neurons of each layer, and says of the layer that is one too many what would mend it."""
    most, used = r.arguments.int("neurons"), 0
    fits, layers = True, []
    for n in r.networks:
        g = snnc.parse(n.graph).function("eval")
        assert g is not None
        layer = 0
        for node in g.nodes:
            spikes = (node.equation and node.equation.spikes) or (node.opaque and node.opaque.spikes)
            if not spikes:
                continue
            size = node.out[0].size()
            p = Placement(n.role, f"{layer}.neurons", used=[Amount("neurons", size)])
            if used + size > most:
                p.problem = f"{size} neurons find room for {max(most - used, 0)}"
                p.change = f"a chip with neurons = {used + size}"
                fits = False
            layers.append(p)
            used, layer = used + size, layer + 1
    return TargetReply(fits, [Amount("neurons", used, most)], layers)


if __name__ == "__main__":
    snnc.serve(plugin())
