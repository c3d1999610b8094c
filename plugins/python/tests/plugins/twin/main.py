"""A plugin with a component of each kind, twins of built-in ones where there is one to be compared with."""

import chip
import gan
import scoring

import snnc

LEAP = """
neuron leap(tau: time = 4 steps, jump: real = 1 in 0..2) {
    input x
    state v = 0, a = 0
    v' = (x - v) / tau
    a' = -a / tau
    spike when v >= 1 + a
    on spike { v = 0, a += jump }
}
"""

if __name__ == "__main__":
    snnc.serve(
        snnc.Plugin(
            "acme/twin",
            "1.0.0",
            equations=[snnc.Component("neuron", "leap", "1.0", "Leaps over a rising threshold.", equations=LEAP)],
            coders=[scoring.coder()],
            models=[gan.model()],
            targets=[chip.target()],
        )
    )
