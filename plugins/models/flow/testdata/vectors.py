"""What flow_matching and torchdiffeq compute in float64 for the plugin's paths and samplers: writes vectors.json beside itself.

Run by hand, with packages of PyPI:

    pip install flow_matching==1.0.10 torchdiffeq==0.2.5 torch && python vectors.py
"""

import json
import math
import pathlib

import torch
from flow_matching.path import AffineProbPath, CondOTProbPath
from flow_matching.path.scheduler import CosineScheduler
from torchdiffeq import odeint

torch.set_default_dtype(torch.float64)


def numbers(k):
    return torch.tensor([[1.5 * math.sin(1 + 7 * k + 1.9 * i) for i in range(4)]])


def paths():
    for name, path in (("straight", CondOTProbPath()), ("cosine", AffineProbPath(CosineScheduler()))):
        for t in (0.0, 0.125, 0.5, 0.875):
            p = path.sample(x_0=numbers(0), x_1=numbers(1), t=torch.tensor([t]))
            yield dict(path=name, t=t, square=p.dx_t.square().mean().item(), apart=(p.x_t - p.dx_t).square().mean().item(),
                       size=p.dx_t.abs().mean().item())


def solvers():
    def speed(t, x):
        return torch.tanh(x) * t - x / 2 + t

    for name, method in (("euler", "euler"), ("midpoint", "midpoint"), ("heun", "heun2")):
        for steps in (1, 4, 7):
            x = odeint(speed, numbers(0), torch.linspace(0, 1, steps + 1), method=method)[-1]
            yield dict(sampler=name, steps=steps, x=x[0].tolist())


out = dict(paths=list(paths()), solvers=list(solvers()))
lines = ",\n".join(f'"{k}": [\n' + ",\n".join(json.dumps(x, separators=(",", ":")) for x in v) + "\n]" for k, v in out.items())
(pathlib.Path(__file__).parent / "vectors.json").write_text("{\n" + lines + "\n}\n")
