"""One training step of small.snn in PyTorch, in float64: python3 small.py > small.json

It is written from the published code of Spiking-Diffusion (Liu et al. 2023) and from D3PM (Austin et al. 2021). It knows nothing
of snnc and shares with the test only the numbers that start weights, tokens, steps and masks: SplitMix64 (Steele et al. 2014) of
the FNV-1a hash of a name and an index.
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
T, N, K, S, SIDE = 3, 12, 5, 4, 2
CELLS = SIDE * SIDE


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


parameters = []


def parameter(centre, spread, *shape):
    p = centre + spread * (2 * numbers(f"denoiser/{len(parameters)}", *shape) - 1)
    parameters.append(p.requires_grad_())
    return p


def conv(x, c):  # x: [T, N, C, H, W]
    bound = 1 / math.sqrt(x.shape[2] * 9)
    w, b = parameter(0, bound, c, x.shape[2], 3, 3), parameter(0, bound, c)
    y = F.conv2d(x.flatten(0, 1), w, b, padding=1)
    return y.reshape(T, N, *y.shape[1:])


def fire(x):
    c = x.shape[2]
    w, b = parameter(2, 0.2, c), parameter(0, 0.2, c)
    x = F.batch_norm(x.flatten(0, 1), None, None, w, b, training=True, eps=1e-5).reshape(x.shape)
    v, out = torch.zeros_like(x[0]), []
    for xt in x:
        h = v + (xt - v) / 2
        s = Spike.apply(h - 1)
        v = (1 - s) * h
        out.append(s)
    return torch.stack(out)


h0 = torch.tensor([[int(K * uniform("tokens", e * CELLS + c)) for c in range(CELLS)] for e in range(N)]).reshape(N, SIDE, SIDE)
step = torch.tensor([1 + int(S * uniform("s", e << 32)) for e in range(N)])
hide = torch.tensor([[uniform("hide", (e << 32) + c) for c in range(CELLS)] for e in range(N)]).reshape(N, SIDE, SIDE) < (step / S)[:, None, None]
seen_tokens = torch.where(hide, K, h0)
x = torch.stack([seen_tokens.double(), step.double()[:, None, None].expand(N, SIDE, SIDE)], 1)
x = x.expand(T, *x.shape)
first = fire(conv(x, 4))
h = fire(conv(first, 6))
logits = conv(torch.cat([h, first], 2), K).mean(0)
ce = F.cross_entropy(logits, h0, reduction="none")
ce = (ce * hide).flatten(1).sum(1)
t = step.double()
loss = {
    "reweighted": ((1 - t / S) * ce / (math.log(2) * CELLS)).mean(),
    "shifted": ((S - t + 1) / S * ce / (math.log(2) * CELLS)).mean(),
    "elbo": (ce / t * S / (math.log(2) * CELLS)).mean(),
}
gradients = {}
for name, value in loss.items():
    gradients[name] = []
    for g in torch.autograd.grad(value, parameters, retain_graph=True):
        gradients[name].append(seen(g))
print(json.dumps({
    "torch": torch.__version__,
    "examples": N,
    "loss": {k: v.item() for k, v in loss.items()},
    "hidden": hide.double().mean().item(),
    "gradients": gradients,
}, indent=1))
