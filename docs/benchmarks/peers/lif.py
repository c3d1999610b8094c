"""One layer of LIF neurons alone, forward and backward over T steps."""

import torch

from measure import Peer

peer = Peer(__doc__, steps=4, neurons=802_816)
a, library = peer.arguments, peer.library
peer.use(library.lif(decay_input=True))
x = (2 * library.gain * torch.rand(a.steps, 16, a.neurons // 16)).requires_grad_()
gradient = torch.rand(x.shape) - 0.5


def neuron():
    x.grad = None
    with peer.autocast():
        y = library.run(peer.function, x)
    y.backward(gradient.to(y.dtype))


rates = peer.rates(lambda: library.run(peer.function, x))
peer.time("neuron", neuron)
peer.report(rates)
