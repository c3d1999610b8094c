"""A neuron by equations."""

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

snnc.serve(
    snnc.Plugin(
        "acme/leap",
        "0.3.1",
        equations=[
            snnc.Component("neuron", "leap", "0.3.1", "Leaps over a threshold that rises by `jump`.", equations=LEAP)
        ],
    )
)
