"""Writes oracle.json: forward results and gradients of PyTorch in float64, which the tests of package graph compare with.

    python3 oracle.py > oracle.json

Needs torch on the CPU; the tests need only the file. The neurons are written out with an autograd function for the spike
(surrogate atan, alpha = 2), and their gradients are also computed by the closed recursions (Wu et al. 2019 and the like)
that stand beside them; the script stops where the two disagree.
"""

import json
import math

import torch
import torch.nn.functional as F

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
cases = []


def pack(t):
    return {"shape": list(t.shape), "data": [float(f"{v:.14g}") for v in t.detach().flatten().tolist()]}


def case(name, inputs, run, **attrs):
    inputs = [t.clone().requires_grad_() for t in inputs]
    y = run(*inputs)
    dy = torch.randn_like(y)
    grads = torch.autograd.grad(y, inputs, dy)
    cases.append(dict(name=name, attrs=attrs, inputs=[pack(t) for t in inputs], output=pack(y), dy=pack(dy), grads=[pack(g) for g in grads]))


r = torch.randn

for side, k, stride, pad in [(5, 3, 1, 1), (6, 3, 2, 1), (5, 2, 2, 0), (4, 1, 1, 0), (7, 4, 3, 2)]:
    case("conv", [r(2, 2, side, side), r(3, 2, k, k)], lambda x, w: F.conv2d(x, w, stride=stride, padding=pad), stride=stride, pad=pad)

for side, k, stride, pad, extra in [(3, 3, 2, 1, 1), (3, 4, 2, 1, 0), (4, 3, 1, 1, 0), (2, 5, 3, 1, 2)]:
    def deconv(y, w):
        return F.conv_transpose2d(y, w, stride=stride, padding=pad, output_padding=extra)
    out = (side - 1) * stride - 2 * pad + k + extra
    case("conv-input-gradient", [r(2, 3, side, side), r(3, 2, k, k)], deconv, stride=stride, pad=pad, height=out, width=out)

case("matmul", [r(2, 4), r(4, 3)], lambda a, b: a @ b)
case("matmul", [r(2, 4), r(3, 4)], lambda a, b: a @ b.T, transpose=True)
case("matmul", [r(2, 3, 4), r(2, 4, 5)], lambda a, b: a @ b)
case("matmul", [r(2, 3, 4), r(2, 5, 4)], lambda a, b: a @ b.transpose(1, 2), transpose=True)

case("max-pool", [r(2, 2, 6, 6)], lambda x: F.max_pool2d(x, 2, 2), kernel=2, stride=2)
case("max-pool", [r(2, 2, 5, 5)], lambda x: F.max_pool2d(x, 3, 1), kernel=3, stride=1)

case("normalise", [r(3, 2, 2, 2) * 2 + 1], lambda x: F.batch_norm(x, None, None, training=True, eps=1e-5), axes="n 1 2", epsilon=1e-5)
case("normalise", [r(3, 4) * 2 + 1], lambda x: F.layer_norm(x, [4], eps=1e-5), axes="0", epsilon=1e-5)

case("softmax", [r(3, 5)], lambda x: torch.softmax(x, 1))
case("cross-entropy", [r(3, 5)], lambda x: F.cross_entropy(x, torch.tensor([4, 0, 2])))


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u, strict):
        ctx.save_for_backward(u)
        return (u > 0 if strict else u >= 0).to(u.dtype)

    @staticmethod
    def backward(ctx, g):
        (u,) = ctx.saved_tensors
        return g / (1 + (math.pi * u) ** 2), None


def slope(u):
    return 1 / (1 + (math.pi * u) ** 2)


T, N, C = 7, 2, 3


def neuron(name, run, closed, threshold, parameter, **attrs):
    """run(x, p) gives spikes [T N C]; closed(x, p, dy) their gradient by x."""
    x, p = (r(T, N, C) * 0.8 + 0.6).requires_grad_(), torch.tensor(parameter).requires_grad_()
    y = run(x, p)
    dy = torch.randn_like(y)
    dx, dp = torch.autograd.grad(y, [x, p], dy)
    want = closed(x.detach(), p.detach(), dy)
    assert torch.allclose(dx, want, rtol=1e-12, atol=1e-13), name
    assert 0.1 < y.mean() < 0.9, (name, y.mean())
    cases.append(dict(name=name, attrs=dict(threshold=threshold, **attrs), inputs=[pack(x), pack(p)], output=pack(y), dy=pack(dy), grads=[pack(dx), pack(dp)]))


def leaky(threshold, detach):
    def run(x, tau):
        v, out = torch.zeros(N, C), []
        for t in range(T):
            h = v + (x[t] - v) / tau
            s = Spike.apply(h - threshold, False)
            out.append(s)
            v = (1 - (s.detach() if detach else s)) * h
        return torch.stack(out)

    def closed(x, tau, dy):
        v, hs = torch.zeros(N, C), []
        for t in range(T):
            hs.append(v + (x[t] - v) / tau)
            v = (hs[t] < threshold) * hs[t]
        gv, dx = torch.zeros(N, C), torch.zeros(T, N, C)
        for t in reversed(range(T)):
            h = hs[t]
            gh = (dy[t] - h * gv * (0 if detach else 1)) * slope(h - threshold) + (h < threshold) * gv
            dx[t], gv = gh / tau, (1 - 1 / tau) * gh
        return dx

    return run, closed


def iterative(threshold, detach):
    def run(x, decay):
        u, s, out = torch.zeros(N, C), torch.zeros(N, C), []
        for t in range(T):
            u = decay * u * (1 - (s.detach() if detach else s)) + x[t]
            s = Spike.apply(u - threshold, True)
            out.append(s)
        return torch.stack(out)

    def closed(x, decay, dy):
        u, o, us = torch.zeros(N, C), torch.zeros(N, C), []
        for t in range(T):
            u = decay * u * (1 - o) + x[t]
            o = (u > threshold).to(u.dtype)
            us.append(u)
        g, dx = torch.zeros(N, C), torch.zeros(T, N, C)
        for t in reversed(range(T)):
            u, o = us[t], (us[t] > threshold).to(x.dtype)
            g = (dy[t] - decay * u * g * (0 if detach else 1)) * slope(u - threshold) + decay * (1 - o) * g
            dx[t] = g
        return dx

    return run, closed


def integrate(threshold, soft):
    def run(x, gain):
        v, out = torch.zeros(N, C), []
        for t in range(T):
            h = v + gain * x[t]
            s = Spike.apply(h - threshold, False)
            out.append(s)
            v = h - threshold * s if soft else (1 - s) * h
        return torch.stack(out)

    def closed(x, gain, dy):
        v, hs = torch.zeros(N, C), []
        for t in range(T):
            hs.append(v + gain * x[t])
            s = (hs[t] >= threshold).to(x.dtype)
            v = hs[t] - threshold * s if soft else (1 - s) * hs[t]
        gv, dx = torch.zeros(N, C), torch.zeros(T, N, C)
        for t in reversed(range(T)):
            h = hs[t]
            if soft:
                gv = (dy[t] - threshold * gv) * slope(h - threshold) + gv
            else:
                gv = (dy[t] - h * gv) * slope(h - threshold) + (h < threshold) * gv
            dx[t] = gain * gv
        return dx

    return run, closed


neuron("leaky", *leaky(0.5, False), 0.5, 2.0)
neuron("leaky", *leaky(0.5, True), 0.5, 2.0, detach=True)
neuron("gated-leak", *iterative(0.5, False), 0.5, 0.25)
neuron("gated-leak", *iterative(0.5, True), 0.5, 0.25, detach=True)
neuron("summing", *integrate(1.0, False), 1.0, 0.9)
neuron("summing", *integrate(1.0, True), 1.0, 0.9, soft=True)

print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")
