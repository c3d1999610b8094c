"""What diffusers computes, in float64, for the tables of the plugin: writes vectors.json beside itself.

Run by hand, with diffusers 0.27.2, torch and numpy from PyPI:

    pip install diffusers==0.27.2 torch numpy && python vectors.py
"""

import json
import math
import pathlib

import torch

torch.float32 = torch.float64  # the schedulers ask for float32 by that name

from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
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


def strided():
    """DDPMScheduler through some of the steps. The last turn, to which it adds noise on the way to the image, is left out."""
    for predict, kind in PREDICT.items():
        for spacing, n in (("trailing", 50), ("leading", 40), ("leading", 8)):
            for variance in ("small", "large"):
                d = DDPMScheduler(num_train_timesteps=1000, variance_type="fixed_" + variance, prediction_type=kind,
                                  clip_sample=predict == "eps", timestep_spacing=spacing, **SCHEDULES["linear"])
                d.set_timesteps(n)
                rows = []
                for s in d.timesteps.tolist()[:-1][:: max(1, n // 8)]:
                    scheduling_ddpm.randn_tensor = lambda *_, **__: numbers(2, s)
                    rows.append(dict(s=s, x=d.step(numbers(1, s), s, numbers(0, s)).prev_sample[0].tolist()))
                yield dict(beta="linear", n=n, spacing=spacing, predict=predict, variance=variance, clip=predict == "eps", rows=rows)


def dpm():
    """DPMSolverMultistepScheduler, as a whole: x after each turn, from numbers(0, 0) on, with the output numbers(1, s)."""
    for name, options in SCHEDULES.items():
        for predict, kind in PREDICT.items():
            for n in (1, 2, 5, 20):
                d = DPMSolverMultistepScheduler(num_train_timesteps=1000, timestep_spacing="trailing", prediction_type=kind,
                                                algorithm_type="dpmsolver++", solver_order=2, solver_type="midpoint",
                                                lower_order_final=False, final_sigmas_type="zero", **options)
                d.set_timesteps(n)
                # set_timesteps goes by way of float32, and from the noise back to alpha by a rounded logarithm.
                levels = d.timesteps.tolist()
                kept = d.alphas_cumprod[levels]
                d.sigmas = torch.cat([((1 - kept) / kept) ** 0.5, torch.zeros(1, dtype=torch.float64)])
                x, rows = numbers(0, 0), []
                for s in levels:
                    x = d.step(numbers(1, s), s, x).prev_sample
                    rows.append(dict(s=s, x=x[0].tolist()))
                yield dict(beta=name, n=n, predict=predict, rows=rows)


def spacings():
    for spacing in ("trailing", "leading", "linspace"):
        for steps, n in ((1000, 50), (1000, 30), (1000, 7), (1000, 999), (100, 100), (10, 4), (9, 6)):
            d = DDIMScheduler(num_train_timesteps=steps, timestep_spacing=spacing)
            d.set_timesteps(n)
            yield dict(spacing=spacing, steps=steps, n=n, levels=d.timesteps.tolist())


out = dict(schedules=list(schedules()), ddpm=list(ddpm()), ddim=list(ddim()), strided=list(strided()),
           dpm=list(dpm()), spacings=list(spacings()))
lines = ",\n".join(f'"{k}": [\n' + ",\n".join(json.dumps(x, separators=(",", ":")) for x in v) + "\n]" for k, v in out.items())
(pathlib.Path(__file__).parent / "vectors.json").write_text("{\n" + lines + "\n}\n")
