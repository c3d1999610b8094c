"""A spiking autoencoder for colour images of 32x32 with the layers of FSVAE (Kamata et al., AAAI 2022), without its sampler of the
latent: a training step, and the decoder alone."""

import torch
from torch import nn

from measure import Peer

peer = Peer(__doc__, steps=16, batch=64)
a, library = peer.arguments, peer.library
WIDTHS, LATENT = (32, 64, 128, 256), 128


def lif():
    return library.lif(decay_input=True)


def down(i, o):
    return library.conv(i, o, stride=2), library.norm(o), lif()


def up(i, o):
    return library.deconv(i, o), library.norm(o), lif()


def dense(i, o):
    return library.linear(i, o), library.norm_features(o), lif()


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.grow = nn.Sequential(*dense(LATENT, 4 * WIDTHS[-1]))
        widths = WIDTHS[::-1] + WIDTHS[:1]
        layers = [m for i, o in zip(widths, widths[1:]) for m in up(i, o)]
        self.layers = nn.Sequential(*layers, library.conv(WIDTHS[0], 3))

    def forward(self, z):
        return self.layers(self.grow(z).unflatten(-1, (WIDTHS[-1], 2, 2)))


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        widths = (3,) + WIDTHS
        self.encoder = nn.Sequential(*(m for i, o in zip(widths, widths[1:]) for m in down(i, o)))
        self.latent = nn.Sequential(*dense(4 * WIDTHS[-1], LATENT))
        self.decoder = Decoder()

    def forward(self, x):
        return self.decoder(self.latent(self.encoder(x).flatten(-3)))


net = Autoencoder()
for module in net.modules():
    if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
        nn.init.constant_(module.weight, library.gain)
peer.use(net)
decode = torch.compile(net.decoder) if peer.compiled else net.decoder
optimizer = torch.optim.AdamW(net.parameters(), 1e-3)
x = peer.images(torch.rand(a.batch, 3, 32, 32))
z = (torch.rand(a.steps, a.batch, LATENT) < 0.2).float()


def read(y):
    return torch.tanh(y.float().mean(0))


def train():
    optimizer.zero_grad()
    with peer.autocast():
        y = library.run(peer.function, x.expand(a.steps, *x.shape))
    (read(y) - x).square().mean().backward()
    optimizer.step()


def sample():
    with torch.no_grad(), peer.autocast():
        read(library.run(decode, z))


rates = peer.rates(lambda: library.run(peer.function, x.expand(a.steps, *x.shape)))
peer.time("train", train)
peer.evaluation()
peer.time("decode", sample)
peer.report(rates, peer.rates(lambda: library.run(net.decoder, z)))
