"""Writes inception.json: what the FID Inception v3 of the package pytorch-fid gives for images and weights that are a hash of
their place, of which the tests make the same.

    pip install torch torchvision pytorch-fid
    python3 inception.py > inception.json
"""

import json
import math
import os
import sys

import numpy as np
import torch
import torchvision
from pytorch_fid import inception

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import convert_inception


def uniform(seed, n):
    """n numbers in [0, 1): SplitMix64 of seed * 2^32 + place, its upper 24 bits."""
    with np.errstate(over="ignore"):
        z = (np.uint64(seed << 32) + np.arange(n, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(40)).astype(np.float64) / 2**24


def weights():
    """Random weights that keep activations of the order of 1, by the names of pytorch-fid."""
    torch.manual_seed(0)
    shapes = {k: tuple(v.shape) for k, v in torchvision.models.inception_v3(num_classes=1008, aux_logits=False, weights=None, init_weights=False).state_dict().items()}
    out = {}
    for seed, (theirs, ours) in enumerate(convert_inception.names()):
        shape = shapes[theirs]
        u = uniform(seed, math.prod(shape)).reshape(shape)
        if ours.endswith("conv.weight") or ours.endswith("linear.weight"):
            u = (2 * u - 1) * math.sqrt(6 / math.prod(shape[1:]))
        elif ours.endswith("batchnorm.weight") or ours.endswith("running_var"):
            u = 0.5 + u
        else:
            u = u - 0.5
        out[theirs] = torch.tensor(u, dtype=torch.float32)
    return out


def main():
    state = weights()
    inception.load_state_dict_from_url = lambda *_, **__: state
    load = torchvision.models.Inception3.load_state_dict
    torchvision.models.Inception3.load_state_dict = lambda self, s, strict=True: load(self, s, strict=False)  # num_batches_tracked
    net = inception.InceptionV3().eval()
    cases = []
    for seed, (channels, high, wide) in ((1000, (3, 40, 52)), (1001, (1, 28, 28))):
        x = torch.tensor(np.floor(256 * uniform(seed, channels * high * wide)) / 255, dtype=torch.float32).reshape(1, channels, high, wide)
        with torch.no_grad():
            pool = net(x.expand(1, 3, high, wide))[0].flatten(1)
            logits = pool @ state["fc.weight"].T + state["fc.bias"]
        cases.append({"seed": seed, "shape": [channels, high, wide], "features": [float(f"{v:.6g}") for v in pool[0].tolist()],
                      "logits": [float(f"{v:.6g}") for v in logits[0].tolist()]})
    print(json.dumps(cases))


main()
