"""Writes frechet.json: Fréchet distances by scipy's matrix square root of S1 S2, in float64.

    pip install numpy==2.4.6 scipy==1.17.1 && python frechet.py > frechet.json

The vectors are multiples of 1/64, hence exact in float32 and in the file.
"""
import json
import numpy as np
from scipy.linalg import sqrtm

rng = np.random.default_rng(7)


def vectors(n, mixing, shift):
    x = rng.normal(size=(n, mixing.shape[0])) @ mixing + shift
    return np.round(x * 64) / 64


def distance(a, b):
    s1, s2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    d = a.mean(0) - b.mean(0)
    return d @ d + np.trace(s1) + np.trace(s2) - 2 * np.trace(sqrtm(s1 @ s2).real)


cases = []
for d, n, m in [(2, 10, 12), (5, 40, 30), (12, 60, 80)]:
    a = vectors(n, rng.normal(size=(d, d)), rng.normal(size=d))
    b = vectors(m, rng.normal(size=(d, d)), rng.normal(size=d))
    cases.append({"a": a.tolist(), "b": b.tolist(), "distance": distance(a, b)})
print(json.dumps({"cases": cases}))
