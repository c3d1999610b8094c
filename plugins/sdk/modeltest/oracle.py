"""What oracles in Python share with the tests of models: the numbers that weights, examples and random draws are made of, and how
tensors are told. A script finds it by

    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "sdk/modeltest"))
"""

MASK = (1 << 64) - 1


def uniform(name, i):
    """The i-th number in [0, 1) of a name, modeltest.Uniform: SplitMix64 (Steele et al. 2014) of the FNV-1a hash of the name."""
    h = 0xCBF29CE484222325
    for c in name.encode():
        h = ((h ^ c) * 0x100000001B3) & MASK
    z = (h + (i + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return ((z ^ (z >> 31)) >> 11) * 2.0**-53


def numbers(name, *shape):
    """A tensor of PyTorch of the first numbers of a name."""
    import math

    import torch

    return torch.tensor([uniform(name, i) for i in range(math.prod(shape))], dtype=torch.float64).reshape(shape)


def seen(x):
    """The norm of a tensor of PyTorch and its product with numbers that the test knows: modeltest.Project."""
    x = x.flatten()
    return {"norm": x.norm().item(), "along": (x @ (2 * numbers("along", len(x)) - 1)).item()}
