"""What diffusers computes, in float64, for the tables of the plugin: writes vectors.json beside itself.

Run by hand, with diffusers 0.27.2, torch and numpy from PyPI:

    pip install diffusers==0.27.2 torch numpy && python vectors.py
"""

import json
import math
import pathlib

import torch

torch.float32 = torch.float64  # the schedulers ask for float32 by that name

from diffusers import DDIMScheduler, DDPMScheduler
from diffusers.schedulers import scheduling_ddpm

SCHEDULES = {
    "linear": dict(beta_schedule="linear", beta_start=1e-4, beta_end=0.02),
    "cosine": dict(beta_schedule="squaredcos_cap_v2"),
}
PREDICT = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}


def numbers(k, s):
    """Four numbers in -1.5..1.5 for each purpose k and step s."""
    return torch.tensor([[1.5 * math.sin(1 + 7 * k + 0.37 * s + 1.9 * i) for i in range(4)]], dtype=torch.float64)


def schedules():
    for name, options in SCHEDULES.items():
        for steps in (20, 1000):
            d = DDPMScheduler(num_train_timesteps=steps, **options)
            at = sorted({*range(0, steps, max(1, steps // 40)), steps - 1})
            yield dict(beta=name, steps=steps, at=at, betas=d.betas[at].tolist(), kept=d.alphas_cumprod[at].tolist())


def ddpm():
    for name, options in SCHEDULES.items():
        for predict, kind in PREDICT.items():
            for variance in ("small", "large"):
                for clip in (True, False):
                    d = DDPMScheduler(num_train_timesteps=1000, variance_type="fixed_" + variance, prediction_type=kind,
                                      clip_sample=clip, **options)
                    rows = []
                    for s in (999, 998, 700, 321, 45, 2, 1, 0):
                        scheduling_ddpm.randn_tensor = lambda *_, **__: numbers(2, s)
                        rows.append(dict(s=s, x=d.step(numbers(1, s), s, numbers(0, s)).prev_sample[0].tolist()))
                    yield dict(beta=name, predict=predict, variance=variance, clip=clip, rows=rows)


def ddim():
    for name, options in SCHEDULES.items():
        for predict, kind in PREDICT.items():
            for spacing in ("trailing", "leading", "linspace"):
                for steps, n, eta in ((1000, 50, 0.0), (1000, 50, 1.0), (1000, 40, 0.3), (100, 100, 0.5)):
                    d = DDIMScheduler(num_train_timesteps=steps, timestep_spacing=spacing, prediction_type=kind,
                                      clip_sample=predict != "v", **options)
                    d.set_timesteps(n)
                    levels = d.timesteps.tolist()
                    rows = []
                    for i, s in enumerate(levels):
                        # The scheduler goes down by steps // n whatever the spacing; each step is given the n that leads to the
                        # next level of the list, and to the image from the last.
                        if i + 1 < len(levels):
                            stride = s - levels[i + 1]
                            d.num_inference_steps = next(m for m in range(1, steps + 1) if steps // m == stride)
                        else:
                            d.num_inference_steps = 1
                        x = d.step(numbers(1, s), s, numbers(0, s), eta=eta, variance_noise=numbers(2, s)).prev_sample
                        if i % 7 == 0 or i + 1 == len(levels):
                            rows.append(dict(s=s, x=x[0].tolist()))
                    yield dict(beta=name, steps=steps, n=n, eta=eta, spacing=spacing, predict=predict, clip=predict != "v", rows=rows)


def spacings():
    for spacing in ("trailing", "leading", "linspace"):
        for steps, n in ((1000, 50), (1000, 30), (1000, 7), (1000, 999), (100, 100), (10, 4), (9, 6)):
            d = DDIMScheduler(num_train_timesteps=steps, timestep_spacing=spacing)
            d.set_timesteps(n)
            yield dict(spacing=spacing, steps=steps, n=n, levels=d.timesteps.tolist())


out = dict(schedules=list(schedules()), ddpm=list(ddpm()), ddim=list(ddim()), spacings=list(spacings()))
lines = ",\n".join(f'"{k}": [\n' + ",\n".join(json.dumps(x, separators=(",", ":")) for x in v) + "\n]" for k, v in out.items())
(pathlib.Path(__file__).parent / "vectors.json").write_text("{\n" + lines + "\n}\n")
