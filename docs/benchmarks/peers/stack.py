"""Four times convolution 3x3 of 64 channels, batch normalisation, LIF, on spikes of 28x28: a training step, and a forward pass."""

import torch
from torch import nn

from measure import Peer

peer = Peer(__doc__, steps=4, batch=32, channels=64, size=28, layers=4, rate=0.18)
a, library = peer.arguments, peer.library

layers = []
for _ in range(a.layers):
    layers += [library.conv(a.channels, a.channels, bias=False), library.norm(a.channels), library.lif(decay_input=False)]
net = peer.use(nn.Sequential(*layers))

spikes = peer.images((torch.rand(a.steps, a.batch, a.channels, a.size, a.size) < a.rate).float())
target = peer.images(torch.rand(spikes.shape))
optimizer = torch.optim.SGD(net.parameters(), 1e-3)


def train():
    optimizer.zero_grad()
    with peer.autocast():
        y = library.run(peer.function, spikes)
    (y.float() - target).square().mean().backward()
    optimizer.step()


def forward():
    with torch.no_grad(), peer.autocast():
        library.run(peer.function, spikes)


rates = peer.rates(forward)
peer.time("train", train)
peer.evaluation()
spikes = peer.images(spikes)
peer.time("forward", forward)
peer.report(rates, peer.rates(forward))
