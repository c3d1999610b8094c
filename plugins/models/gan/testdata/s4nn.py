"""The gradients of a GAN of neurons that fire at most once, by the rule of S4NN, in numpy: python3 s4nn.py > s4nn.json

It is written from Kheradpisheh & Masquelier (2020), equations 1 to 14, works on firing times, one example and one neuron at a
time, and never on spike trains; it knows nothing of snnc, and shares with the test only the numbers that start weights, images
and noise: SplitMix64 (Steele et al. 2014) of the FNV-1a hash of a name and an index.
"""

import json
import math
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "sdk/modeltest"))
from oracle import uniform

LAST = 20  # a neuron that has not fired before this time is silent
N, NOISE, HIDDEN, PIXELS, GAP = 5, 8, 12, 16, 4
FAKE, REAL = 0, 1


def weights(name, outputs, inputs, high):
    return np.array([[high * uniform(name, j * inputs + i) for i in range(inputs)] for j in range(outputs)])


def fire(times, w):
    """Firing times: one step after the first at which the sum of the weights of inputs that have fired is above 1."""
    out = []
    for row in w:
        at = LAST
        for k in range(LAST):
            if sum(row[i] for i in range(len(row)) if times[i] <= k) > 1:
                at = min(k + 1, LAST)
                break
        out.append(at)
    return out


def through(layers, times):
    trace = [times]
    for w in layers:
        trace.append(fire(trace[-1], w))
    return trace


def targets(t, right, rule):
    tau, wrong = min(t), 1 - right
    aim = [0.0, 0.0]
    if rule == "absolute":
        aim[right], aim[wrong] = 0.3 * LAST, 0.9 * LAST
        return aim
    first = max(tau - GAP, 0) if rule == "aggressive" else tau
    aim[right] = LAST - GAP if tau == LAST else first
    aim[wrong] = min(tau + GAP, LAST) if t[wrong] - tau < GAP else t[wrong]
    return aim


def back(layers, trace, delta, opened):
    """The derivatives by the weights, and the errors of the first layer's inputs."""
    grads = []
    for w, below, above in zip(reversed(layers), reversed(trace[:-1]), reversed(trace[1:])):
        length = math.sqrt(sum(d * d for d in delta))
        if length > 0:
            delta = [d / length for d in delta]
        g = np.zeros_like(w)
        under = [0.0] * len(below)
        for j in range(len(above)):
            for i in range(len(below)):
                if below[i] < above[j] or opened:
                    g[j, i] = delta[j]
                    under[i] += delta[j] * w[j, i]
        grads.insert(0, g)
        delta = under
    return grads, delta


def case(rule, opened):
    g = [weights("generator/0", HIDDEN, NOISE, 0.45), weights("generator/1", PIXELS, HIDDEN, 0.2)]
    d = [weights("discriminator/0", HIDDEN, PIXELS, 0.25), weights("discriminator/1", 2, HIDDEN, 0.24)]
    gd = [np.zeros_like(w) for w in d]
    gg = [np.zeros_like(w) for w in g]
    loss = {"real": 0.0, "fake": 0.0, "deceive": 0.0}
    times = {"real": [], "fake": []}
    active = 0

    def error(t, right):
        aim = targets(t, right, rule)
        e = [(a - x) / LAST for a, x in zip(aim, t)]
        return e, sum(x * x for x in e) / 2 / N

    for n in range(N):
        # Bright is early: pixel x fires at the floor of (1 - x) LAST, and a black one never.
        image = [math.floor((1 - uniform("image", n * PIXELS + i)) * LAST + 0.001) for i in range(PIXELS)]
        noise = lambda name: [math.floor((LAST + 1) * uniform(name, (n << 32) + i)) for i in range(NOISE)]
        for what, right, x in (("real", REAL, image), ("fake", FAKE, through(g, noise("discriminate"))[-1])):
            trace = through(d, x)
            e, part = error(trace[-1], right)
            loss[what] += part
            times[what].append(trace[-1])
            for total, own in zip(gd, back(d, trace, e, False)[0]):
                total += own
            if what == "fake":
                active += sum(t < LAST for t in x) / N
        drawn = through(g, noise("deceive"))
        trace = through(d, drawn[-1])
        e, part = error(trace[-1], REAL)
        loss["deceive"] += part
        _, pixels = back(d, trace, e, opened)
        for total, own in zip(gg, back(g, drawn, pixels, False)[0]):
            total += own
    return {"rule": rule, "gate": "open" if opened else "strict", "loss": loss, "times": times, "active": active,
            "discriminator": [seen(x) for x in gd], "generator": [seen(x) for x in gg]}


def seen(x):
    x = x.flatten()
    return {"norm": float(np.linalg.norm(x)), "along": float(sum(v * (2 * uniform("along", i) - 1) for i, v in enumerate(x)))}


print(json.dumps({"examples": N, "cases": [case(r, o) for r in ("relative", "aggressive", "absolute") for o in (True, False)]}, indent=1))
