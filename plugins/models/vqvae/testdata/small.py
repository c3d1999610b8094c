"""One training step of small.snn in PyTorch, in float64: python3 small.py > small.json

It is written from the published code of Spiking-Diffusion (Liu et al. 2023), whose loss it has, and from PyTorch's definitions.
It knows nothing of snnc and shares with the test only the numbers that start weights and images: SplitMix64 (Steele et al. 2014)
of the FNV-1a hash of a name and an index. What it prints, the losses and for each tensor the norm and one projection of its
gradient, sees a stop in the wrong place, a codebook that is not moved, another trace or surrogate.
"""

import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "sdk/modeltest"))
from oracle import numbers, seen

torch.set_default_dtype(torch.float64)
T, N, CODES, WIDTH, COMMIT, VARIANCE = 4, 6, 6, 3, 0.25, 0.3


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
        self.name, self.parameters, self.statistics = name, [], []

    def parameter(self, centre, spread, *shape):
        p = centre + spread * (2 * numbers(f"{self.name}/{len(self.parameters)}", *shape) - 1)
        self.parameters.append(p.requires_grad_())
        return p

    def conv(self, x, c, kernel=3, stride=1):  # x: [T, N, C, H, W]
        bound = 1 / math.sqrt(x.shape[2] * kernel * kernel)
        w, b = self.parameter(0, bound, c, x.shape[2], kernel, kernel), self.parameter(0, bound, c)
        y = F.conv2d(x.flatten(0, 1), w, b, stride=stride, padding=(kernel - 1) // 2)
        return y.reshape(x.shape[0], N, *y.shape[1:])

    def deconv(self, x, c, stride):
        bound = 1 / math.sqrt(c * 9)
        w, b = self.parameter(0, bound, x.shape[2], c, 3, 3), self.parameter(0, bound, c)
        y = F.conv_transpose2d(x.flatten(0, 1), w, b, stride=stride, padding=1, output_padding=stride - 1)
        return y.reshape(x.shape[0], N, *y.shape[1:])

    def fire(self, x):
        c = x.shape[2]
        w, b = self.parameter(2, 0.2, c), self.parameter(0, 0.2, c)  # 2: more spikes than with 1
        mean, var = torch.zeros(c), torch.ones(c)
        x = F.batch_norm(x.flatten(0, 1), mean, var, w, b, training=True, momentum=0.1, eps=1e-5).reshape(x.shape)
        self.statistics.append([mean, var])
        v, out = torch.zeros_like(x[0]), []
        for xt in x:
            h = v + (xt - v) / 2
            s = Spike.apply(h - 1)
            v = (1 - s) * h
            out.append(s)
        return torch.stack(out)


def trace(x):  # tau = 2
    p, out = torch.zeros_like(x[0]), []
    for xt in x:
        p = p / 2 + xt / 2
        out.append(p)
    return torch.stack(out)


encoder, readout, spiker, decoder = Role("encoder"), Role("readout"), Role("spiker"), Role("decoder")
image = numbers("image", N, 1, 8, 8) - 0.5
codebook = 0.6 + 0.6 * (2 * numbers("codebook", CODES, WIDTH) - 1)
codebook.requires_grad_()

h = image.expand(T, *image.shape)
h = encoder.fire(encoder.conv(h, 4, stride=2))
h = encoder.fire(encoder.conv(h, 5, stride=2))
z_e = encoder.fire(encoder.conv(h, WIDTH, kernel=1))
alpha = readout.parameter(0.5, 0.2)
decayed = sum(0.8 ** (T - 1 - t) * z_e[t] for t in range(T))
m = (1 - alpha) * decayed + alpha * z_e.mean(0)
flat = m.permute(0, 2, 3, 1).reshape(-1, WIDTH)
index = torch.cdist(flat, codebook).argmin(1)
q = codebook[index].reshape(N, 2, 2, WIDTH).permute(0, 3, 1, 2)
passed = m + (q - m).detach()
s_q = spiker.fire(spiker.conv(passed.expand(T, *passed.shape), WIDTH, kernel=1))
h = decoder.fire(decoder.deconv(s_q, 5, 2))
h = decoder.fire(decoder.deconv(h, 4, 2))
out = decoder.deconv(h, 1, 1)
y = torch.tanh(sum(0.8 ** (T - 1 - t) * out[t] for t in range(T)))

mse = F.mse_loss(y, image) / VARIANCE
psp = F.mse_loss(trace(s_q), trace(z_e.detach())) + COMMIT * F.mse_loss(trace(s_q.detach()), trace(z_e))
book = F.mse_loss(q, m.detach())
commitment = F.mse_loss(m, q.detach())
total = mse + psp + book + COMMIT * commitment
total.backward()
share = torch.bincount(index, minlength=CODES) / len(index)
perplexity = torch.exp(-(share * torch.log(share.clamp_min(1e-10))).sum())


roles = (encoder, readout, spiker, decoder)
gradients = {r.name: [seen(p.grad) for p in r.parameters] for r in roles}
gradients["codebook"] = [seen(codebook.grad)]
print(json.dumps({
    "torch": torch.__version__,
    "examples": N,
    "variance": VARIANCE,
    "tokens": index.tolist(),
    "loss": {"total": total.item(), "mse": mse.item(), "psp": psp.item(), "codebook": book.item(), "commitment": commitment.item(), "perplexity": perplexity.item()},
    "gradients": gradients,
    "statistics": {r.name: [seen(x) for s in r.statistics for x in s] for r in roles},
}, indent=1))
