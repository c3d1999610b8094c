"""One iteration of a small SGAD in PyTorch, in float64: python3 sgad.py > sgad.json

It is written from the paper (Feng et al., Neural Networks 178, 2024), from its official code's description and from PyTorch's
definitions: the loop over time stands outside of the layers, so that batch norm sees each step by itself. It knows nothing of
snnc, and shares with the test only the numbers that start weights, images and noise: SplitMix64 (Steele et al. 2014) of the
FNV-1a hash of a name and an index.
"""

import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "sdk/modeltest"))
from oracle import numbers, seen, uniform

torch.set_default_dtype(torch.float64)
N, T, LATENT, HIDDEN, MAPS, VIEWS, TOP, SCORE = 3, 4, 5, 8, (3, 2), (2, 3), 6, 4
GAIN = 12  # of weights over their usual range, so that every layer fires


class Spike(torch.autograd.Function):
    """1 where u > 0; the derivative is 1 / (1 + (pi u)^2), the arctangent's with alpha = 2."""

    @staticmethod
    def forward(ctx, u):
        ctx.save_for_backward(u)
        return (u > 0).to(u.dtype)

    @staticmethod
    def backward(ctx, g):
        (u,) = ctx.saved_tensors
        return g / (1 + (math.pi * u) ** 2)


class Role:
    """The parameters and running statistics of one network, made when its layers are first applied, in their order."""

    def __init__(self, name):
        self.name, self.parameters, self.statistics = name, [], []

    def begin(self):
        self.at = self.seen = 0

    def parameter(self, centre, spread, *shape):
        if self.at == len(self.parameters):
            p = centre + spread * (2 * numbers(f"{self.name}/{self.at}", *shape) - 1)
            self.parameters.append(p.requires_grad_())
        self.at += 1
        return self.parameters[self.at - 1]

    def product(self, x, apply, fan, outputs, *shape):
        bound = GAIN / math.sqrt(fan)
        return apply(x, self.parameter(0, bound, *shape), self.parameter(0, bound, outputs))

    def linear(self, x, n):
        return self.product(x, F.linear, x.shape[1], n, n, x.shape[1])

    def conv(self, x, n):
        return self.product(x, F.conv2d, x.shape[1] * 25, n, n, x.shape[1], 5, 5)

    def deconv(self, x, n):
        apply = lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1)
        return self.product(x, apply, n * 16, n, x.shape[1], n, 4, 4)

    def norm(self, x):
        c = x.shape[1]
        w, b = self.parameter(1.5, 0.2, c), self.parameter(0, 0.2, c)
        if self.seen == len(self.statistics):
            self.statistics.append([torch.zeros(c), torch.ones(c)])
        mean, var = self.statistics[self.seen]
        self.seen += 1
        return F.batch_norm(x, mean, var, w, b, training=True, momentum=0.1, eps=1e-5)


def fire(v, x):
    h = v + (x - v) / 2
    s = Spike.apply(h - 1)
    return s, h * (1 - s.detach())


generator, critic = Role("generator"), Role("discriminator")


def draw(z):
    v = [0.0, 0.0, 0.0]
    images = []
    for _ in range(T):
        generator.begin()
        s, v[0] = fire(v[0], generator.norm(generator.linear(z, HIDDEN)))
        s, v[1] = fire(v[1], generator.norm(generator.linear(s, MAPS[0] * 49)))
        s, v[2] = fire(v[2], generator.norm(generator.deconv(s.reshape(N, MAPS[0], 7, 7), MAPS[1])))
        images.append(torch.sigmoid(generator.deconv(s, 1)).reshape(N, 784))
    at = generator.at
    mix = images[0]
    for x in images[1:]:
        generator.at = at
        bound = GAIN / 28
        wq, bq = generator.parameter(0, bound, SCORE, 784), generator.parameter(0, bound, SCORE)
        wk, bk = generator.parameter(0, bound, SCORE, 784), generator.parameter(0, bound, SCORE)
        q = F.linear(mix, wq, bq)
        scores = [(q * F.linear(k, wk, bk)).sum(1) / math.sqrt(SCORE) for k in (mix, x)]
        a = torch.softmax(torch.stack(scores, 1), 1)
        mix = a[:, :1] * mix + a[:, 1:] * x
    return mix.reshape(N, 1, 28, 28)


def judge(x):
    v = [0.0, 0.0, 0.0, 0.0]
    for _ in range(T):
        critic.begin()
        s, v[0] = fire(v[0], critic.norm(critic.conv(x, VIEWS[0])))
        s = F.avg_pool2d(s, 2)
        s, v[1] = fire(v[1], critic.norm(critic.conv(s, VIEWS[1])))
        s = F.avg_pool2d(s, 2).flatten(1)
        s, v[2] = fire(v[2], critic.linear(s, TOP))
        v[3] = v[3] + (critic.linear(s, 1) - v[3]) / 2
    return v[3] / T


image = numbers("image", N, 1, 28, 28)
z = torch.tensor([[4 * uniform("z", (n << 32) + i) - 2 for i in range(LATENT)] for n in range(N)])


def result(total, role, **more):
    for p in generator.parameters + critic.parameters:
        p.grad = None
    total.backward()
    out = {"loss": {"total": total.item(), **{k: v.item() for k, v in more.items()}}, "gradients": [seen(p.grad) for p in role.parameters],
           "statistics": {r.name: [seen(x) for s in r.statistics for x in s] for r in (generator, critic)}}
    for r in (generator, critic):  # each step begins with fresh statistics
        for s in r.statistics:
            s[0].zero_(), s[1].fill_(1)
    return out


# The order of applications is that of the statistics' updates: the generator, the critic on data, the critic on what was drawn.
fake = draw(z).detach()
real, caught = judge(image).mean(), judge(fake).mean()
discriminate = result(caught - real, critic, real=real, fake=caught)
deceive = result(-judge(draw(z)).mean(), generator)
print(json.dumps({"torch": torch.__version__, "examples": N, "image": seen(fake), "discriminate": discriminate, "deceive": deceive}, indent=1))
