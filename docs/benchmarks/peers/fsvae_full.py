"""FSVAE as published (Kamata et al., AAAI 2022), for grey images of 32x32, with the layers of SpikingJelly: an update, with the passes
of the posterior and of the prior over all prefixes of the latent that its sampling takes."""

import torch
from torch import nn

from measure import Peer

THRESHOLD = 0.2


class Fires(torch.autograd.Function):
    """1 where v > 0; the derivative is 1 where the potential itself, not its distance from the threshold, is within 0.5 of 0."""

    @staticmethod
    def forward(ctx, v):
        ctx.save_for_backward(v)
        return (v > 0).to(v.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (v,) = ctx.saved_tensors
        return gradient * ((v + THRESHOLD).abs() < 0.5)


class FSVAE(nn.Module):
    """The four networks; images are [B, channels, 32, 32], what fires is [T, B, ...]."""

    def __init__(self, library, channels, widths, latent, choose):
        super().__init__()
        self.library, self.latent, self.choose = library, latent, choose
        layer, neuron = library.layer, library.neuron

        def fire(norm, outputs, alpha=1.0):
            """Normalisation that depends on the threshold, and neurons u = 0.25 u (1 - o) + x whose reset has a derivative."""
            return norm(alpha, THRESHOLD, outputs), neuron.LIFNode(
                tau=4 / 3, decay_input=False, v_threshold=THRESHOLD, surrogate_function=Fires.apply, step_mode="m"
            )

        def down(i, o):
            return layer.Conv2d(i, o, 3, 2, 1, step_mode="m"), *fire(layer.ThresholdDependentBatchNorm2d, o)

        def up(i, o):
            return layer.ConvTranspose2d(i, o, 3, 2, 1, 1, step_mode="m"), *fire(layer.ThresholdDependentBatchNorm2d, o)

        def dense(i, o, alpha=1.0):
            return layer.Linear(i, o, step_mode="m"), *fire(layer.ThresholdDependentBatchNorm1d, o, alpha)

        def sampler(i):
            sizes = (i, 2 * latent, 4 * latent, choose * latent)
            return nn.Sequential(*(m for i, o in zip(sizes, sizes[1:]) for m in dense(i, o, 2.0)))

        deep, sizes, wide = widths[-1], (channels, *widths), (*widths[::-1], widths[0])
        self.encoder = nn.Sequential(
            *(m for i, o in zip(sizes, sizes[1:]) for m in down(i, o)), nn.Flatten(-3), *dense(4 * deep, latent)
        )
        self.posterior, self.prior = sampler(2 * latent), sampler(latent)
        self.decoder = nn.Sequential(
            *dense(latent, 4 * deep), nn.Unflatten(-1, (deep, 2, 2)), *(m for i, o in zip(wide, wide[1:]) for m in up(i, o)),
            layer.ConvTranspose2d(widths[0], channels, 3, 1, 1, step_mode="m"),
        )  # fmt: skip

    def pick(self, y, index):
        """Takes one of the outputs [..., latent * choose] that stand for each latent channel."""
        return y.unflatten(-1, (self.latent, self.choose)).gather(-1, index.unsqueeze(-1)).squeeze(-1)

    def probability(self, y):
        return y.unflatten(-1, (self.latent, self.choose)).mean(-1)

    def forward(self, image, index, coin, tie, chance):
        """Returns the two terms of the loss, errors of images and of traces. index [T, B, latent] says which outputs are picked;
        where coin [T] is less than the chance the prior is fed with its own sample, in which tie [T, B, latent] decides between
        halves."""
        run, steps = self.library.run, len(index)
        e = run(self.encoder, image.expand(steps, *image.shape))
        with torch.no_grad():  # each z is the sample of the step before
            z = torch.zeros_like(e)
            for t in range(1, steps):
                y = run(self.posterior, torch.cat([e[:t], z[:t]], -1))[-1]
                z[t] = self.pick(y, index[t - 1])
        q = run(self.posterior, torch.cat([e, z], -1))
        y = run(self.decoder, self.pick(q, index))
        weights = 0.8 ** torch.arange(steps - 1, -1, -1, dtype=image.dtype).view(-1, 1, 1, 1, 1)
        image2 = torch.tanh((y.to(image.dtype) * weights).sum(0))
        own = z.clone()
        with torch.no_grad():
            for t in range(5, steps - 1):
                if coin[t] < chance:  # as published, the prior runs only here
                    y = run(self.prior, own[: t + 1])[-1]
                    own[t + 1] = (self.probability(y) + 1e-3 * tie[t] > 0.5).to(own.dtype)
        p = run(self.prior, own)
        apart = trace(self.probability(q)) - trace(self.probability(p))
        return (image - image2).square().mean(), apart.square().mean()


def trace(x):
    """A trace of time constant 2."""
    now, out = torch.zeros_like(x[0]), []
    for step in x:
        now = now / 2 + step / 2
        out.append(now)
    return torch.stack(out)


def main():
    peer = Peer(__doc__, steps=16, batch=250, size=32, channels=1, widths="32,64,128,256", latent=128, choose=20)
    a = peer.arguments
    net = peer.use(FSVAE(peer.library, a.channels, tuple(int(w) for w in a.widths.split(",")), a.latent, a.choose))
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=1e-3)
    batches = peer.batches(a.channels, a.size, a.size)
    shape = a.steps, a.batch, a.latent

    def terms():
        with peer.autocast():
            image = peer.images(next(batches))
            return net(image, torch.randint(a.choose, shape), torch.rand(a.steps), torch.randn(shape), chance=0.1)

    def train():
        optimizer.zero_grad()
        sum(terms()).backward()
        optimizer.step()

    peer.time("train", train)
    peer.report(peer.rates(terms))


if __name__ == "__main__":
    main()
