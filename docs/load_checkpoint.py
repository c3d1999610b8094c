"""Prints the weights of a checkpoint: names and shapes as PyTorch has them. Needs safetensors and numpy.

    python docs/load_checkpoint.py runs/quickstart/checkpoints/digit-000000001680.safetensors
"""

import sys

from safetensors.numpy import load_file

path = sys.argv[1]
weights = {
    name: tensor
    for name, tensor in load_file(path).items()
    if not name.startswith(("average/", "optimizer/"))
}
for name, tensor in weights.items():
    print(name, tensor.shape)
