"""A plugin of one coder, which equations say all of: snnc compiles them, and nothing is computed in this process."""

import snnc

# In the language of specs. To encode, the value is added up, from 1/2, and a spike takes 1 away.
EQUATIONS = """
coder leap(steps: int = 8 in 1..4096) {
    encode x {
        state sum = 0.5
        sum = sum + x
        spike when sum >= 1
        on spike { sum -= 1 }
    }
    decode s {
        state sum = 0
        sum = sum + s
        output sum / steps
    }
}
"""


def plugin() -> snnc.Plugin:
    """All that this program serves."""
    doc = "Values of 0..1 as so many spikes, evenly spread; decodes to the mean over time."
    coder = snnc.Component("coder", "leap", "0.1.0", doc, equations=EQUATIONS)
    return snnc.Plugin("acme/leap", "0.1.0", equations=[coder])


if __name__ == "__main__":
    snnc.serve(plugin())
