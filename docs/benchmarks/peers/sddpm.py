"""The spiking U-Net of SDDPM (Cao et al., WACV 2024): an update, and one evaluation of the network as each step of sampling makes it,
or whole samples by DDIM. By itself at a quarter of the published width and depth, for grey images of 28x28; the arguments of
full.go make it the published one."""

import torch
from torch import nn
from torch.nn import functional as F

from measure import Peer

TIMES = 1000
KEPT = torch.cumprod(1 - torch.linspace(1e-4, 0.02, TIMES, dtype=torch.float64), 0)  # of an image's square at each diffusion time


class Residual(nn.Module):
    def __init__(self, library, i, o, time):
        super().__init__()
        self.library = library
        self.first, self.second = unit(library, i, o), unit(library, o, o)
        self.time = nn.Linear(time, o)
        self.short = library.conv(i, o, kernel=1) if i != o else nn.Identity()

    def forward(self, x, time):
        h = self.first(x) + self.library.per_image(self.time(F.silu(time)))
        return self.second(h) + self.short(x)


class Up(nn.Module):
    def __init__(self, library, channels):
        super().__init__()
        self.library = library
        self.fire, self.conv, self.norm = library.integrator(), library.conv(channels, channels), library.norm(channels)

    def forward(self, x):
        return self.norm(self.conv(self.library.upsample(self.fire(x))))


def unit(library, i, o, stride=1):
    """A neuron, a convolution and its normalisation."""
    return nn.Sequential(library.integrator(), library.conv(i, o, stride=stride), library.norm(o))


class UNet(nn.Module):
    """Noise in images [T, B, channels, H, W] at diffusion times [B]; levels are widths in units of `width`."""

    def __init__(self, library, channels, width, levels, blocks):
        super().__init__()
        widths, long = [width * m for m in levels], 4 * width
        self.table = nn.Embedding.from_pretrained(sinusoid(width))
        self.embed = nn.Sequential(nn.Linear(width, long), nn.SiLU(), nn.Linear(long, long))
        self.head = nn.Sequential(library.conv(channels, width), library.norm(width), unit(library, width, width))
        self.down, self.up, skips, now = nn.ModuleList(), nn.ModuleList(), [width], width
        for level, o in enumerate(widths):
            for _ in range(blocks):
                self.down.append(Residual(library, now, o, long))
                now = o
                skips.append(now)
            if level + 1 < len(widths):
                self.down.append(unit(library, now, now, stride=2))
                skips.append(now)
        self.middle = nn.ModuleList([Residual(library, now, now, long) for _ in range(2)])
        for level, o in reversed(list(enumerate(widths))):
            for _ in range(blocks + 1):
                self.up.append(Residual(library, now + skips.pop(), o, long))
                now = o
            if level:
                self.up.append(Up(library, now))
        self.tail = nn.Sequential(library.norm(now), nn.SiLU(), library.conv(now, channels))
        self.residual = nn.Sequential(library.conv(channels, channels), library.norm(channels), nn.SiLU())

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

    def start(self):
        """Starts weights as published: Xavier's, without biases, and next to nothing in the tail's convolution, but for the shortcuts
        and the last convolution, which start as the library has them."""
        kept = {id(m) for r in self.modules() if isinstance(r, Residual) for m in r.short.modules()}
        kept |= {id(m) for m in self.residual.modules()}
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)) and id(m) not in kept:
                last = m in list(self.tail.modules())
                nn.init.xavier_uniform_(m.weight, gain=1e-5 if last else 1.0)
                nn.init.zeros_(m.bias)


def sinusoid(width):
    """Sines and cosines of all diffusion times, one behind the other in each pair (Ho et al. 2020)."""
    rates = torch.exp(-torch.arange(0, width, 2, dtype=torch.float64) / width * torch.log(torch.tensor(10000.0, dtype=torch.float64)))
    angles = torch.arange(TIMES, dtype=torch.float64)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1).to(torch.get_default_dtype())


class Denoiser:
    """A U-Net with all that is around it: the time steps of its images, the readout, the loss, and sampling by DDIM."""

    def __init__(self, library, function, lay=lambda x: x):
        """function returns the network to be called, which may be compiled; lay lays images out in memory."""
        self.library, self.function, self.lay = library, function, lay
        self.weights = (0.8 ** torch.arange(library.steps - 1, -1, -1, dtype=torch.get_default_dtype())).view(-1, 1, 1, 1, 1)

    def predict(self, x, time):
        """Returns the noise that the network sees in x [B, C, H, W] at diffusion times [B]."""
        x = self.lay(x)
        y = self.library.run(self.function(), x.expand(self.library.steps, *x.shape), time)
        return (y.to(self.weights.dtype) * self.weights).sum(0)

    def loss(self, images, time, noise):
        share = KEPT[time].to(images.dtype).view(-1, 1, 1, 1)
        noisy = share.sqrt() * images + (1 - share).sqrt() * noise
        return (self.predict(noisy, time) - noise).square().mean()

    @torch.no_grad()
    def ddim(self, x, turns):
        """Returns what DDIM (Song et al. 2021) makes of noise x in so many turns, without fresh noise; images are within -1..1."""
        times = [round(TIMES - k * TIMES / turns) - 1 for k in range(turns)]
        for now, then in zip(times, times[1:] + [None]):
            noise = self.predict(x, torch.full((len(x),), now))
            kept, left = KEPT[now].item(), 1.0 if then is None else KEPT[then].item()
            image = ((x - (1 - kept) ** 0.5 * noise) / kept**0.5).clamp(-1, 1)
            x = left**0.5 * image + (1 - left) ** 0.5 * noise
        return x


def main():
    peer = Peer(
        __doc__, steps=4, batch=32, size=28, channels=1, width=32, levels="1,2,4", blocks=1, momentum=1.0, start="library",
        figures="train,evaluate", part=0, updates=0, samples=4, turns=10,
    )  # fmt: skip
    a, library = peer.arguments, peer.library
    library.momentum = a.momentum
    net = UNet(library, a.channels, a.width, [int(m) for m in a.levels.split(",")], a.blocks)
    if a.start == "published":
        net.start()
    peer.use(net)
    denoiser = Denoiser(library, lambda: peer.function, peer.images)
    optimizer = torch.optim.Adam(net.parameters(), 2e-4)
    batches = peer.batches(a.channels, a.size, a.size)
    part, figures = a.part or a.batch, a.figures.split(",")

    def train():
        """An update; of a batch in parts, whose gradients add up, where the whole of it does not fit into memory."""
        optimizer.zero_grad()
        images, time = next(batches), torch.randint(0, TIMES, (a.batch,))
        noise = torch.randn_like(images)
        for few in (slice(at, at + part) for at in range(0, a.batch, part)):
            with peer.autocast():
                loss = denoiser.loss(images[few], time[few], noise[few])
            (loss * (len(images[few]) / a.batch)).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()

    still = next(batches)[:part]

    def evaluate():
        with torch.no_grad(), peer.autocast():
            denoiser.predict(still, torch.full((len(still),), TIMES // 2))

    def sample():
        with peer.autocast():
            denoiser.ddim(torch.randn(a.samples, *still.shape[1:]), a.turns)

    rates = peer.rates(evaluate)
    for _ in range(a.updates):
        train()
    if "train" in figures:
        peer.time("train", train)
    evaluation = ([], 0)
    for name, call in ("evaluate", evaluate), ("sample", sample):
        if name in figures:
            peer.evaluation()
            peer.time(name, call)
            evaluation = peer.rates(evaluate)
    peer.report(rates, evaluation)


if __name__ == "__main__":
    main()
