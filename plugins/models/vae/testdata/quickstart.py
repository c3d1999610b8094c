"""One training step of the quickstart's networks in PyTorch, in float64: python3 quickstart.py > quickstart.json

It is written from the papers and from PyTorch's definitions, knows nothing of snnc, and shares with the test only the
numbers that start weights, images and picks: SplitMix64 (Steele et al. 2014) of the FNV-1a hash of a name and an index.
What it prints, the loss and for each tensor the norm and one projection of its gradient, sees what no accuracy sees: a
detached or soft reset, another surrogate, statistics per step, a pick of other outputs in the second pass.
"""

import json
import math
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "sdk/modeltest"))
from oracle import numbers, seen, uniform

torch.set_default_dtype(torch.float64)
T, N, LATENT, CHOOSE = 4, 6, 32, 8


class Spike(torch.autograd.Function):
    """1 where u >= 0; the derivative is 1 / (1 + (pi u)^2), the arctangent's with alpha = 2."""

    @staticmethod
    def forward(ctx, u):
        ctx.save_for_backward(u)
        return (u >= 0).to(u.dtype)

    @staticmethod
    def backward(ctx, g):
        (u,) = ctx.saved_tensors
        return g / (1 + (math.pi * u) ** 2)


class Role:
    """The parameters and running statistics of one network, in the order of its layers."""

    def __init__(self, name):
        self.name, self.parameters, self.statistics, self.at = name, [], [], 0

    def parameter(self, centre, spread, *shape):
        i = self.at
        self.at += 1
        if i == len(self.parameters):
            p = centre + spread * (2 * numbers(f"{self.name}/{i}", *shape) - 1)
            self.parameters.append(p.requires_grad_())
        return self.parameters[i]

    def linear(self, x, n):
        bound = 1 / math.sqrt(x.shape[-1])
        w = self.parameter(0, bound, n, x.shape[-1])
        return x @ w.T + self.parameter(0, bound, n)

    def norm(self, x):  # [T, N, C]: statistics over batch and time
        c = x.shape[-1]
        w, b = self.parameter(1, 0.2, c), self.parameter(0, 0.2, c)
        i = (self.at - 1) // 4
        if i == len(self.statistics):
            self.statistics.append([torch.zeros(c), torch.ones(c)])
        mean, var = x.mean((0, 1)), x.var((0, 1), unbiased=False)
        m = x.shape[0] * x.shape[1]
        s = self.statistics[i]
        s[0] = 0.9 * s[0] + 0.1 * mean.detach()
        s[1] = 0.9 * s[1] + 0.1 * var.detach() * m / (m - 1)
        return (x - mean) / torch.sqrt(var + 1e-5) * w + b

    def dense(self, x, n):
        x = self.norm(self.linear(x, n))
        v, out = torch.zeros_like(x[0]), []
        for xt in x:
            h = v + (xt - v) / 2
            s = Spike.apply(h - 1)
            v = (1 - s) * h
            out.append(s)
        return torch.stack(out)


encoder, decoder, posterior, prior = Role("encoder"), Role("decoder"), Role("latent.posterior"), Role("latent.prior")


def encode(x):
    encoder.at = 0
    return encoder.dense(encoder.dense(x.reshape(1, N, 64).expand(T, N, 64), 128), LATENT)


def judge(features, z):
    posterior.at = 0
    return posterior.dense(torch.cat([features, z], -1), LATENT * CHOOSE)


def foresee(z):
    prior.at = 0
    return prior.dense(prior.dense(z, 64), LATENT * CHOOSE)


def decode(z):
    decoder.at = 0
    v = torch.zeros(N, 64)
    for x in decoder.linear(decoder.dense(z, 128), 64):
        v = 0.8 * v + x
    return torch.tanh(v)


def trace(x):  # tau = 2
    p, out = torch.zeros_like(x[0]), []
    for xt in x:
        p = p / 2 + xt / 2
        out.append(p)
    return torch.stack(out)


def pick(y, i):
    return y.reshape(*y.shape[:2], LATENT, CHOOSE).gather(-1, i.unsqueeze(-1)).squeeze(-1)


image = 2 * numbers("image", N, 64) - 1
index = torch.tensor([[[int(CHOOSE * uniform("pick", (e << 32) + t * LATENT + c)) for c in range(LATENT)] for e in range(N)] for t in range(T)])

e = encode(image)
z = torch.zeros(1, N, LATENT)
with torch.no_grad():
    for t in range(1, T):
        z = torch.cat([z, pick(judge(e[:t], z)[-1:], index[t - 1 : t])])
q = judge(e, z)
mse = ((image - decode(pick(q, index))) ** 2).mean()
p = foresee(z)
rate = lambda y: y.reshape(T, N, LATENT, CHOOSE).mean(-1)
mmd = ((trace(rate(q)) - trace(rate(p))) ** 2).mean()
(mse + mmd).backward()


print(json.dumps({
    "torch": torch.__version__,
    "examples": N,
    "loss": {"total": (mse + mmd).item(), "mse": mse.item(), "mmd": mmd.item()},
    "rates": {"encoder.1.fire": e.mean().item(), "latent.posterior.0.fire": q.mean().item(), "latent.prior.1.fire": p.mean().item()},
    "gradients": {r.name: [seen(x.grad) for x in r.parameters] for r in (encoder, decoder, posterior, prior)},
    "statistics": {r.name: [seen(x) for s in r.statistics for x in s] for r in (encoder, decoder, posterior, prior)},
}, indent=1))
