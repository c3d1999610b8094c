"""Where small FSVAE loses its digits: python3 fsvae_prior.py CHECKPOINT MNIST

Decodes 2,000 latents of the posterior on test images, of the prior, and of the prior with the posterior's latents for the first
steps, and prints how far the images are from the test images: the Fréchet distance over the lenet of specs/features, at 32x32. CHECKPOINT is
the safetensors file of a run of `specs/fsvae.snn --preset small`, MNIST the folder of its files. The network is written here anew, in
PyTorch: the first line, the error of reconstructions, is that of `snnc run` but for the random picks. Needs torch and numpy.
"""

import gzip
import json
import pathlib
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

STEPS, LATENT, CHOOSE, THRESHOLD, SAMPLES = 8, 64, 10, 0.2, 2000
torch.manual_seed(0)
torch.set_grad_enabled(False)


def tensors(path):
    """The weights of a safetensors file by name, [..] of float32, without what the optimiser keeps."""
    data = pathlib.Path(path).read_bytes()
    (n,) = struct.unpack("<Q", data[:8])
    out = {}
    for name, t in json.loads(data[8 : 8 + n]).items():
        if name != "__metadata__" and not name.startswith("optimizer/") and t["dtype"] == "F32":
            a, b = t["data_offsets"]
            out[name] = torch.from_numpy(np.frombuffer(data[8 + n + a : 8 + n + b], np.float32).reshape(t["shape"]).copy())
    return out


W = tensors(sys.argv[1])
LENET = tensors(pathlib.Path(__file__).parent.parent.parent / "specs/features/lenet-mnist.safetensors")


def norm(x, name, alpha=1.0):
    """Batch norm of [T, N, C, ...] with running statistics, scaled by alpha and the threshold."""
    shape = [1, 1, -1] + [1] * (x.dim() - 3)
    mean, var, scale, bias = (W[f"{name}.{part}"].view(shape) for part in ("running_mean", "running_var", "weight", "bias"))
    return (x - mean) / torch.sqrt(var + 1e-5) * (alpha * THRESHOLD) * scale + bias


class Fire:
    """Neurons u = 0.25 u (1 - o) + x that keep their state from call to call."""

    def __init__(self):
        self.u = self.o = 0.0

    def __call__(self, x):
        out = []
        for now in x:
            self.u = 0.25 * self.u * (1 - self.o) + now
            self.o = (self.u > THRESHOLD).float()
            out.append(self.o)
        return torch.stack(out)


def each(x, f):
    """f of every time step and image."""
    return f(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def linear(x, name):
    return F.linear(x, W[f"{name}.weight"], W[f"{name}.bias"])


def encoder(image):
    h = image.expand(STEPS, *image.shape)
    for i in range(4):
        w, b = W[f"encoder.{i}.conv.weight"], W[f"encoder.{i}.conv.bias"]
        h = Fire()(norm(each(h, lambda y: F.conv2d(y, w, b, 2, 1)), f"encoder.{i}.batchnorm"))
    return Fire()(norm(linear(h.flatten(2), "encoder.0.linear"), "encoder.4.batchnorm"))


class Sampler:
    """The network of the posterior or of the prior, step by step: [T, N, in] to the spikes [T, N, LATENT, CHOOSE]."""

    def __init__(self, role):
        self.role, self.fire = role, [Fire() for _ in range(3)]

    def __call__(self, z):
        for i, fire in enumerate(self.fire):
            z = fire(norm(linear(z, f"latent.{self.role}.{i}.linear"), f"latent.{self.role}.{i}.batchnorm", 2))
        return z.unflatten(-1, (LATENT, CHOOSE))


def pick(y):
    return y.gather(-1, torch.randint(CHOOSE, y.shape[:-1]).unsqueeze(-1)).squeeze(-1)


def posterior(features):
    run, z, out = Sampler("posterior"), torch.zeros(1, features.shape[1], LATENT), []
    for t in range(STEPS):
        z = pick(run(torch.cat([features[t : t + 1], z], -1)))
        out.append(z)
    return torch.cat(out)


def prior(n, given=None, first=0):
    """Latents of the prior, the first of them given."""
    run, z, out = Sampler("prior"), torch.zeros(1, n, LATENT), []
    for t in range(STEPS):
        z = pick(run(z))
        if t < first:
            z = given[t : t + 1]
        out.append(z)
    return torch.cat(out)


def told(z):
    """Latents of the prior that sees the given ones of all steps before."""
    return pick(Sampler("prior")(torch.cat([torch.zeros_like(z[:1]), z[:-1]])))


def decoder(z):
    h = Fire()(norm(linear(z, "decoder.0.linear"), "decoder.0.batchnorm")).unflatten(-1, (-1, 2, 2))
    for i in range(5):
        w, b, s = W[f"decoder.{i}.deconv.weight"], W[f"decoder.{i}.deconv.bias"], 2 if i < 4 else 1
        h = each(h, lambda y: F.conv_transpose2d(y, w, b, s, 1, s - 1))
        if i < 4:
            h = Fire()(norm(h, f"decoder.{i + 1}.batchnorm"))
    v = 0
    for now in h:
        v = 0.8 * v + now
    return torch.tanh(v)


def features(image):
    """The 84 features of images in -1..1, [N, 1, 32, 32]."""
    x = F.interpolate((image.clamp(-1, 1) + 1) / 2, (28, 28), mode="bilinear", antialias=True)
    for i in range(2):
        x = F.relu(F.max_pool2d(F.conv2d(x, LENET[f"features.{i}.conv.weight"], LENET[f"features.{i}.conv.bias"]), 2))
    x = x.flatten(1)
    for i in range(2):
        x = F.relu(F.linear(x, LENET[f"features.{i}.linear.weight"], LENET[f"features.{i}.linear.bias"]))
    return x.double()


def moments(x):
    return x.mean(0), torch.cov(x.T)


def distance(a, b):
    (m, c), (n, d) = a, b
    values, axes = torch.linalg.eigh(c)
    root = axes @ torch.diag(values.clamp(min=0).sqrt()) @ axes.T
    both = torch.linalg.eigvalsh(root @ d @ root).clamp(min=0).sqrt().sum()
    return ((m - n).square().sum() + c.trace() + d.trace() - 2 * both).item()


def main():
    pixels = gzip.open(pathlib.Path(sys.argv[2]) / "t10k-images-idx3-ubyte.gz").read()
    image = torch.from_numpy(np.frombuffer(pixels, np.uint8, offset=16).reshape(-1, 1, 28, 28).copy()) / 127.5 - 1
    image = F.interpolate(image, (32, 32), mode="bilinear")
    reference = moments(torch.cat([features(part) for part in image.split(1000)]))
    image = image[:SAMPLES]
    z = posterior(encoder(image))
    print(f"error of reconstructions {(decoder(z) - image).square().mean():.4f}")
    rows = {"posterior": z, "prior, told the posterior": told(z), "prior": prior(SAMPLES)}
    rows |= {f"prior behind {k} steps of the posterior": prior(SAMPLES, z, k) for k in (1, 2, 4)}
    for name, latent in rows.items():
        print(f"{name:40} {distance(moments(features(decoder(latent))), reference):6.1f}")


main()
