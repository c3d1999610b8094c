"""Brings the weights of the FID Inception v3 into the form that `features = inception(weights = ...)` reads.

    python3 convert_inception.py pt_inception-2015-12-05-6726825d.pth inception.safetensors

The first file is the one that the package pytorch-fid loads: the network that TensorFlow published on 2015-12-05, ported to
PyTorch. PyTorch itself reads it, tensors alone (weights_only), in whichever of its formats the file is; nothing else is needed.
"""

import json
import struct
import sys

import torch

A = ["branch1x1", "branch5x5_1", "branch5x5_2", "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3", "branch_pool"]
B = ["branch3x3", "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"]
C = ["branch1x1", "branch7x7_1", "branch7x7_2", "branch7x7_3", "branch7x7dbl_1", "branch7x7dbl_2", "branch7x7dbl_3", "branch7x7dbl_4",
     "branch7x7dbl_5", "branch_pool"]
D = ["branch3x3_1", "branch3x3_2", "branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3", "branch7x7x3_4"]
E = ["branch1x1", "branch3x3_1", "branch3x3_2a", "branch3x3_2b", "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3a", "branch3x3dbl_3b",
     "branch_pool"]

# The convolutions in the order of inception.snn.
LAYERS = [f"Conv2d_{n}" for n in ("1a_3x3", "2a_3x3", "2b_3x3", "3b_1x1", "4a_3x3")]
LAYERS += [f"Mixed_{block}.{branch}" for blocks, branches in (("5b 5c 5d", A), ("6a", B), ("6b 6c 6d 6e", C), ("7a", D), ("7b 7c", E))
           for block in blocks.split() for branch in branches]


def names():
    """Pairs of the name in the file of weights and the one in inception.snn."""
    for i, layer in enumerate(LAYERS):
        yield f"{layer}.conv.weight", f"features.{i}.conv.weight"
        for part in "weight", "bias", "running_mean", "running_var":
            yield f"{layer}.bn.{part}", f"features.{i}.batchnorm.{part}"
    for part in "weight", "bias":
        yield f"fc.{part}", f"network.0.linear.{part}"


def write(path, tensors):
    """Writes float32 tensors by name as a safetensors file."""
    header, at = {}, 0
    for name in sorted(tensors):
        size = 4 * tensors[name].numel()
        header[name] = {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for name in sorted(tensors):
            f.write(tensors[name].detach().to(torch.float32).contiguous().numpy().astype("<f4").tobytes())


def main(source, target):
    state = torch.load(source, map_location="cpu", weights_only=True)
    missing = [name for name, _ in names() if name not in state]
    if missing:
        sys.exit(f"{source} has no {missing[0]}: it is no Inception v3 of pytorch-fid")
    write(target, {ours: state[theirs] for theirs, ours in names()})


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
