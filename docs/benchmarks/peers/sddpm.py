"""The spiking U-Net of SDDPM (Cao et al., WACV 2024) at a quarter of its width, for grey images of 28x28: a training step, and one
evaluation of the network as each step of sampling makes it."""

import torch
from torch import nn
from torch.nn import functional as F

from measure import Peer

peer = Peer(__doc__, steps=4, batch=32, size=28, channels=1, width=32)
a, library = peer.arguments, peer.library
WIDTHS, TIMES = tuple(a.width * m for m in (1, 2, 4)), 1000


def unit(i, o, stride=1):
    """A neuron, a convolution and its normalisation."""
    return nn.Sequential(library.integrator(), library.conv(i, o, stride=stride), library.norm(o))


class Residual(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.first, self.second = unit(i, o), unit(o, o)
        self.time = nn.Linear(4 * a.width, o)
        self.short = library.conv(i, o, kernel=1) if i != o else nn.Identity()

    def forward(self, x, time):
        h = self.first(x) + library.per_image(self.time(F.silu(time)))
        return self.second(h) + self.short(x)


class Up(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fire, self.conv, self.norm = library.integrator(), library.conv(channels, channels), library.norm(channels)

    def forward(self, x):
        return self.norm(self.conv(library.upsample(self.fire(x))))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(TIMES, a.width)
        self.table.weight.requires_grad = False
        self.embed = nn.Sequential(nn.Linear(a.width, 4 * a.width), nn.SiLU(), nn.Linear(4 * a.width, 4 * a.width))
        self.head = nn.Sequential(library.conv(a.channels, a.width), library.norm(a.width), unit(a.width, a.width))
        self.down, self.up, skips, now = nn.ModuleList(), nn.ModuleList(), [a.width], a.width
        for level, width in enumerate(WIDTHS):
            self.down.append(Residual(now, width))
            now = width
            skips.append(now)
            if level + 1 < len(WIDTHS):
                self.down.append(unit(now, now, stride=2))
                skips.append(now)
        self.middle = nn.ModuleList([Residual(now, now), Residual(now, now)])
        for level, width in reversed(list(enumerate(WIDTHS))):
            for _ in range(2):
                self.up.append(Residual(now + skips.pop(), width))
                now = width
            if level:
                self.up.append(Up(now))
        self.tail = nn.Sequential(library.norm(now), nn.SiLU(), library.conv(now, a.channels))
        self.residual = nn.Sequential(library.conv(a.channels, a.channels), library.norm(a.channels), nn.SiLU())

    def forward(self, x, time):
        time = self.embed(self.table(time))
        h = self.head(x)
        skips = [h]
        for m in self.down:
            h = m(h, time) if isinstance(m, Residual) else m(h)
            skips.append(h)
        for m in self.middle:
            h = m(h, time)
        for m in self.up:
            h = m(torch.cat([h, skips.pop()], -3), time) if isinstance(m, Residual) else m(h)
        y = self.tail(h)
        return y + self.residual(y)


net = peer.use(UNet())
optimizer = torch.optim.Adam(net.parameters(), 2e-4)
images = torch.rand(a.batch, a.channels, a.size, a.size) * 2 - 1
kept = torch.cumprod(1 - torch.linspace(1e-4, 0.02, TIMES), 0)  # of an image's square at each diffusion time
weights = (0.8 ** torch.arange(a.steps - 1, -1, -1.0)).view(-1, 1, 1, 1, 1)


def predict(x, time):
    """Returns the noise that the network sees in x [B, C, H, W] at diffusion times [B]."""
    with peer.autocast():
        x = peer.images(x)
        y = library.run(peer.function, x.expand(a.steps, *x.shape), time)
    return (y.float() * weights).sum(0)


def train():
    optimizer.zero_grad()
    time, noise = torch.randint(0, TIMES, (a.batch,)), torch.randn_like(images)
    share = kept[time].view(-1, 1, 1, 1)
    noisy = share.sqrt() * images + (1 - share).sqrt() * noise
    (predict(noisy, time) - noise).square().mean().backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()


def evaluate():
    with torch.no_grad():
        predict(images, torch.full((a.batch,), TIMES // 2))


rates = peer.rates(evaluate)
peer.time("train", train)
peer.evaluation()
peer.time("evaluate", evaluate)
peer.report(rates, peer.rates(evaluate))
