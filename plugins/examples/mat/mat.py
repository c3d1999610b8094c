"""A neuron without reset, whose threshold adapts at two paces (Kobayashi, Tsubo & Shinomoto 2009), by equations."""

import snnc

# Of the paper the times in milliseconds are steps here, and voltages are parts of the resting threshold, 19 mV.
MAT = """
neuron mat(tau: time = 5 steps, tau1: time = 10 steps, tau2: time = 200 steps, jump1: real = 1.95, jump2: real = 0.105,
           pause: time = 2 steps) {
    input x
    state v = 0, h1 = 0, h2 = 0
    v' = (x - v) / tau
    h1' = -h1 / tau1
    h2' = -h2 / tau2
    spike when v >= 1 + h1 + h2
    on spike { h1 += jump1, h2 += jump2 }
    refractory pause
}
"""

DOC = """A neuron whose membrane is never reset; each spike lifts its threshold, which falls back at two paces.

R. Kobayashi, Y. Tsubo, S. Shinomoto, "Made-to-order spiking neuron model equipped with a multi-timescale adaptive
threshold", Frontiers in Computational Neuroscience 3, 2009.
"""

if __name__ == "__main__":
    neuron = snnc.Component("neuron", "mat", "1.0", DOC, equations=MAT)
    snnc.serve(snnc.Plugin("acme/mat", "1.0.0", equations=[neuron]))
