"""A plugin of one neuron, which equations say all of: snnc compiles them, and nothing is computed in this process."""

import snnc

# In the language of specs: a leaky membrane, whose threshold each spike lifts by jump for a while.
EQUATIONS = """
neuron leap(tau: time = 2 steps, fade: time = 10 steps, jump: real = 0.2 in 0..2) {
    input x
    state v = 0, lift = 0
    v' = (x - v) / tau
    lift' = -lift / fade
    spike when v >= 1 + lift
    on spike { v = 0, lift += jump }
}
"""


def plugin() -> snnc.Plugin:
    """All that this program serves."""
    doc = "A leaky neuron whose threshold adapts."
    neuron = snnc.Component("neuron", "leap", "0.1.0", doc, equations=EQUATIONS)
    return snnc.Plugin("acme/leap", "0.1.0", equations=[neuron])


if __name__ == "__main__":
    snnc.serve(plugin())
