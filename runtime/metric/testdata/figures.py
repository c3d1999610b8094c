"""Writes figures.json: what independent programs say of the vectors, logits and images in it.

    pip install numpy==2.4.6 scipy==1.17.1 torch==2.15.0 torchvision==0.29.2 torchmetrics==1.9.0 pytorch-fid==0.3.0 prdc==0.2 scikit-image==0.26.0
    python figures.py > figures.json

Fréchet distance by pytorch-fid; kernel distance by torchmetrics' poly_mmd, which wants as many of each side: the first ones; inception score by torchmetrics' formula with its chunks, which are equal here, and in float64; precision, recall, density and coverage by
prdc; structural similarity by scikit-image with the settings of Wang et al. Vectors are multiples of 1/64 and pixels multiples of 1/255,
so what the file holds is exact enough in float32.
"""
import contextlib
import io
import json
import sys

import numpy as np
import torch
from prdc import compute_prdc
from pytorch_fid.fid_score import calculate_frechet_distance
from skimage.metrics import structural_similarity
from torchmetrics.image.kid import poly_mmd

rng = np.random.default_rng(11)


def vectors(n, d, scale, shift):
    mixing = np.linalg.qr(rng.normal(size=(d, d)))[0] * scale
    return np.round((rng.normal(size=(n, d)) @ mixing + shift) * 64) / 64


def frechet(a, b):
    with contextlib.redirect_stdout(io.StringIO()):
        return calculate_frechet_distance(a.mean(0), np.cov(a, rowvar=False), b.mean(0), np.cov(b, rowvar=False))


def kid(a, b):
    n = min(len(a), len(b))
    a, b = a[:n], b[:n]
    return float(poly_mmd(torch.tensor(a), torch.tensor(b), 3, None, 1.0))


def score(logits, splits):  # torchmetrics/image/inception.py, compute
    p = torch.tensor(logits).softmax(dim=1)
    logp = torch.tensor(logits).log_softmax(dim=1)
    out = []
    for q, logq in zip(p.chunk(splits), logp.chunk(splits)):
        mean = q.mean(dim=0, keepdim=True)
        out.append((q * (logq - mean.log())).sum(dim=1).mean().exp())
    return float(torch.stack(out).mean())


cases = []
for n, m, d, shift in [(40, 50, 6, 0.0), (60, 45, 12, 0.3), (50, 50, 3, 1.0)]:
    x, y = vectors(n, d, 0.9, shift), vectors(m, d, 1.0, 0.0)
    k = 4
    with contextlib.redirect_stdout(io.StringIO()):
        prdc = compute_prdc(real_features=y, fake_features=x, nearest_k=k)
    cases.append({"samples": x.tolist(), "reference": y.tolist(), "k": k, "frechet": float(frechet(x, y)), "kid": kid(x, y),
                  **{name: float(v) for name, v in prdc.items()}})

logits = np.round(rng.normal(size=(60, 5)) * 3 * 64) / 64
scores = [{"splits": s, "score": score(logits, s)} for s in (1, 3, 10)]

images = []
for h, w, noise in [(11, 11, 20), (16, 28, 5), (20, 13, 90)]:
    a = np.clip(np.cumsum(rng.integers(-30, 31, size=(h, w)), axis=1) + 128, 0, 255).astype(int)
    b = np.clip(a + rng.integers(-noise, noise + 1, size=(h, w)), 0, 255).astype(int)
    s = structural_similarity(a / 255, b / 255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.0)
    images.append({"height": h, "width": w, "a": a.ravel().tolist(), "b": b.ravel().tolist(), "ssim": float(s)})

small = rng.integers(0, 256, size=(1, 2, 5, 7))
resized = []
for h, w in [(9, 4), (12, 15), (5, 3)]:
    r = torch.nn.functional.interpolate(torch.tensor(small / 255.0), size=(h, w), mode="bilinear", align_corners=False)
    resized.append({"height": h, "width": w, "pixels": [round(v, 9) for v in r.ravel().tolist()]})

json.dump({"cases": cases, "logits": logits.tolist(), "scores": scores, "images": images, "small": small.ravel().tolist(), "resized": resized}, sys.stdout)
