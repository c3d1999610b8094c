"""Writes neurons.json: the spikes of neurons of other libraries for random inputs, and the gradients of a weighted sum of these
spikes by the inputs, in float64 on the CPU. The built-in neurons are compared with them.

    pip install torch spikingjelly==2.0.0 snntorch==1.0.0 norse==1.1.0
    python3 neurons.py > neurons.json
"""

import json
import math

import snntorch
import torch
from norse.torch.functional.izhikevich import IzhikevichParameters, IzhikevichState, izhikevich_feed_forward_step
from norse.torch.functional.lif_adex import LIFAdExFeedForwardState, LIFAdExParameters, lif_adex_feed_forward_step
from norse.torch.functional.lsnn import LSNNFeedForwardState, LSNNParameters, lsnn_feed_forward_step
from spikingjelly.activation_based import functional, neuron, surrogate

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)
atan = surrogate.ATan(alpha=2.0)
cases = []
T, N, C = 24, 2, 3


def pack(x):
    return {"shape": list(x.shape), "data": [int(v) if v == int(v) else float(f"{v:.15g}") for v in x.detach().flatten().tolist()]}


def case(text, run, mean=0.6, spread=0.8):
    """run(x) gives the spikes [T, N, C] of x."""
    x = (torch.randn(T, N, C) * spread + mean).requires_grad_()
    y = run(x)
    weight = torch.randn_like(y)
    (dx,) = torch.autograd.grad((y * weight).sum(), x)
    share = y.mean().item()
    assert text.startswith("psp") or 0.02 < share < 0.9, (text, share)
    cases.append(dict(neuron=text, x=pack(x), y=pack(y), weight=pack(weight), dx=pack(dx)))


def loop(step, state):
    """step(x, state) gives spike and state of one step."""
    def run(x):
        s, out = state, []
        for t in range(T):
            z, s = step(x[t], s)
            out.append(z)
        return torch.stack(out)
    return run


def jelly(make, start=0.0):
    """A node of SpikingJelly, step by step. It would start where a spike resets it to."""
    def run(x):
        node = make()
        node.v = torch.full((N, C), start)
        return torch.stack([node(x[t]) for t in range(T)])
    return run


zero = torch.zeros(N, C)

# SpikingJelly.
case("lif(tau = 3 steps)", jelly(lambda: neuron.LIFNode(tau=3.0, surrogate_function=atan)), 1.2)
case("lif(tau = 3 steps, detach_reset = true)", jelly(lambda: neuron.LIFNode(tau=3.0, surrogate_function=atan, detach_reset=True)), 1.2)
case("iaf", jelly(lambda: neuron.IFNode(surrogate_function=atan)), 0.3)
case("eif(tau = 4 steps, sharpness = 0.3, rheobase = 0.7, reset = -0.2)",
     jelly(lambda: neuron.EIFNode(tau=4.0, delta_T=0.3, theta_rh=0.7, v_reset=-0.2, surrogate_function=atan)))
case("eif(sharpness = 1)", jelly(lambda: neuron.EIFNode(surrogate_function=atan)))
case("qif", jelly(lambda: neuron.QIFNode(surrogate_function=atan)), 0.9)
case("qif(tau = 3 steps, gain = 0.7, critical = 0.6, rest = 0.1, reset = -0.3, threshold = 1.2)",
     jelly(lambda: neuron.QIFNode(tau=3.0, a0=0.7, v_c=0.6, v_rest=0.1, v_reset=-0.3, v_threshold=1.2, surrogate_function=atan), 0.1), 1.2)
case("klif(k = 1.3, tau = 3 steps)", loop(lambda x, v: functional.klif_step(x, v, torch.tensor(1.3), 3.0, True, False, 1.0, 0.0, atan), zero), 0.9)
case("cubalif", loop(lambda x, s: (lambda r: (r[0], r[1:]))(functional.cuba_lif_step(x, s[0], s[1], 0.5, 0.75, 0.5, 0.0, atan)), (zero, zero)), 0.2, 0.3)
case("cubalif(current_decay = 0.2, voltage_decay = 0.9, threshold = 1)",
     loop(lambda x, s: (lambda r: (r[0], r[1:]))(functional.cuba_lif_step(x, s[0], s[1], 0.2, 0.9, 1.0, 0.0, atan)), (zero, zero)), 0.2)
case(f"resonate(tau = 5 steps, period = {2 * math.pi} steps)",
     loop(lambda x, s: (lambda r: (r[0], r[1:]))(functional.raf_step(x, s[0], s[1], -0.2, 1.0, 1.0, 1.0, 0.0, atan)), (zero, zero)))

gates = dict(leak_gate=0.4, input_gate=-0.3, reset_gate=0.8, keep=0.5, threshold=-0.2, loss=-3.0, fall=0.3, conductance=1.1)


def gated(x, s):
    sigmoid = {k: torch.sigmoid(torch.tensor(v)) for k, v in gates.items()}
    z, v = functional.gated_lif_step(x, s[1], s[0], sigmoid["leak_gate"], sigmoid["input_gate"], sigmoid["reset_gate"], sigmoid["keep"],
                                     sigmoid["threshold"], sigmoid["loss"], sigmoid["fall"], sigmoid["conductance"], atan)
    return z, (z, v)


case("glif(" + ", ".join(f"{k} = {v}" for k, v in gates.items()) + ")", loop(gated, (zero, zero)), 0.3)

# snnTorch. It detaches the reset.
synaptic = snntorch.Synaptic(alpha=0.7, beta=0.85)
case("synaptic(alpha = 0.7, beta = 0.85, detach_reset = true)", loop(lambda x, s: (lambda r: (r[0], r[1:]))(synaptic(x, *s)), (zero, zero)), 0.1, 0.4)
response = snntorch.Alpha(alpha=0.9, beta=0.6, threshold=0.8)
case("alpha(alpha = 0.9, beta = 0.6, threshold = 0.8, detach_reset = true)",
     loop(lambda x, s: (lambda r: (r[0], r[1:]))(response(x, *s)), (zero, zero, zero)), 0.5)

# norse 1.1.0, whose surrogate is 1 / (|u| + 1)^2 whatever its alpha (Zenke and Ganguli 2018). Its synapse is switched off: a time constant of one step.
superspike = "surrogate = 1 / (abs(u) + 1) ^ 2"
iz = IzhikevichParameters(a=0.03, b=0.25, c=-60.0, d=4.0, tau_inv=0.5)
case(f"izhikevich(a = 0.03, b = 0.25, c = -60, d = 4, millisecond = 2 steps, {superspike})",
     loop(lambda x, s: izhikevich_feed_forward_step(x, s, iz, dt=1.0), IzhikevichState(zero - 60, zero - 15)), 20, 8)


def numbers(kind, **values):
    return kind(**{k: torch.tensor(v) for k, v in values.items()})


ada = numbers(LIFAdExParameters, adaptation_current=0.3, adaptation_spike=0.4, delta_T=0.3, tau_ada_inv=0.1, tau_syn_inv=1.0, tau_mem_inv=0.25, v_reset=-0.1)
case(f"adex(tau = 4 steps, tau_w = 10 steps, a = 0.3, b = 0.4, sharpness = 0.3, rheobase = 1, reset = -0.1, {superspike})",
     loop(lambda x, s: lif_adex_feed_forward_step(x, s, ada, dt=1.0), LIFAdExFeedForwardState(zero, zero, zero)), 1.5)

# An LSNN neuron takes its input a step late: the synapse hands it on after the potential has moved. Its threshold begins at 0 there.
lsnn = numbers(LSNNParameters, tau_syn_inv=1.0, tau_mem_inv=0.4, tau_adapt_inv=0.1, beta=0.3)


def late(x):
    s, out = LSNNFeedForwardState(zero, x[0], zero + 1), []
    for t in range(T):
        z, s = lsnn_feed_forward_step(x[t + 1] if t + 1 < T else zero, s, lsnn, dt=1.0)
        out.append(z)
    return torch.stack(out)


case(f"alif(tau = 2.5 steps, tau_a = 10 steps, beta = 0.3, {superspike})", late, 1.5)

# Written out: S4NN has no package, and the trace of a loss is a sum.


def once(x):
    v = torch.cumsum(x, 0)
    z = atan(v - 1)
    before = torch.cumsum(z.detach(), 0) - z.detach()
    return z * (before == 0)


case("once", once, 0.1)
case("psp(tau = 3 steps)", lambda x: torch.stack([sum(x[k] / 3 * (2 / 3) ** (t - k) for k in range(t + 1)) for t in range(T)]))

print(json.dumps(cases, indent=None).replace('{"neuron"', '\n{"neuron"'))
