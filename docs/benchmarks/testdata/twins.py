"""What the peers' twins of specs/sddpm.snn and specs/fsvae.snn compute in float64, at a tiny size: python3 twins.py > twins.json

An update of each with given weights and random numbers, and a sample of the former: losses, of each parameter the shape, the norm and
one projection of its gradient, running statistics, pixels. TestTwins lets snnc compute the same. Weights and random numbers are
SplitMix64 (Steele et al. 2014) of the FNV-1a hash of a name and an index. Needs the environment of the peers.
"""

import json
import math
import pathlib
import sys

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "peers"))

import fsvae_full  # noqa: E402
import libraries  # noqa: E402
import sddpm  # noqa: E402

torch.set_default_dtype(torch.float64)
MASK = (1 << 64) - 1


def uniform(name, i):
    h = 0xCBF29CE484222325
    for c in name.encode():
        h = ((h ^ c) * 0x100000001B3) & MASK
    z = (h + (i + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return ((z ^ (z >> 31)) >> 11) * 2.0**-53


def around(centre, spread, name, *shape):
    """Numbers of a name, evenly spread."""
    return centre + spread * (2 * torch.tensor([uniform(name, i) for i in range(math.prod(shape))]).reshape(shape) - 1)


def drawn(label, n, *shape, steps=1):
    """Random numbers of a label, [steps, n, ...]: the index of an example and of its element, as snnc counts them."""
    size = math.prod(shape)
    numbers = [uniform(label, (e << 32) + t * size + i) for t in range(steps) for e in range(n) for i in range(size)]
    return torch.tensor(numbers).reshape(steps, n, *shape)


class Twin:
    """The layers of networks in the order in which they run, with given weights and statistics."""

    def __init__(self, **networks):
        self.layers = {role: [] for role in networks}
        self.hooks = []
        for role, net in networks.items():
            for m in net.modules():
                if isinstance(m, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.modules.batchnorm._BatchNorm)):
                    self.hooks.append(m.register_forward_hook(self.note(role)))

    def note(self, role):
        def hook(m, _, __):
            if m not in self.layers[role]:
                self.layers[role].append(m)

        return hook

    def fill(self):
        """Fills what has run. Weights of threshold-dependent normalisation hold its factor, which is none of snnc's weights."""
        for hook in self.hooks:
            hook.remove()
        with torch.no_grad():
            for role, layers in self.layers.items():
                n = 0
                for m in layers:
                    normal = isinstance(m, nn.modules.batchnorm._BatchNorm)
                    factor = m.alpha * m.v_th if hasattr(m, "v_th") else 1.0
                    fan = m.weight[0].numel()
                    name = f"{role}/{n}"
                    w = around(1, 0.2, name, *m.weight.shape) if normal else around(0, fan**-0.5, name, *m.weight.shape)
                    m.weight.copy_(factor * w)
                    m.bias.copy_(around(0, 0.2, f"{role}/{n + 1}", *m.bias.shape))
                    n += 2
                    m.factor = factor
                    if normal:
                        m.running_mean.copy_(around(0, 0.2, f"{role}/{n - 2}/mean", *m.running_mean.shape))
                        m.running_var.copy_(around(1, 0.5, f"{role}/{n - 2}/variance", *m.running_var.shape))

    def seen(self):
        """What an update has left."""
        gradients, statistics = {}, {}
        for role, layers in self.layers.items():
            gradients[role] = [s for m in layers for s in (seen(m.weight.grad * m.factor), seen(m.bias.grad))]
            of = [(m.running_mean, m.running_var) for m in layers if hasattr(m, "running_mean")]
            statistics[role] = [seen(x) for pair in of for x in pair]
        return {"gradients": gradients, "statistics": statistics}


def seen(x):
    """The shape of a tensor, its norm, and how long it is along given numbers."""
    flat = x.flatten()
    return f"{'x'.join(map(str, x.shape))} {flat.norm().item()!r} {(flat @ around(0, 1, 'along', len(flat))).item()!r}"


def unet():
    examples, size, turns = 3, 8, 10
    library = libraries.SpikingJelly(4)
    library.momentum = 0.1
    net = sddpm.UNet(library, 1, 4, [1, 2, 2, 4], 2)
    denoiser = sddpm.Denoiser(library, lambda: net)
    images = around(0, 1, "image", examples, 1, size, size)
    time = (sddpm.TIMES * drawn("s", examples)[0]).long()
    noise = 2 * drawn("noise", examples, 1, size, size)[0] - 1
    twin = Twin(denoiser=net)
    with torch.no_grad():
        denoiser.loss(images, time, noise)
    twin.fill()
    loss = denoiser.loss(images, time, noise)
    loss.backward()
    out = {"loss": {"total": loss.item()}, **twin.seen()}
    twin.fill()  # statistics as before
    net.eval()
    sample = denoiser.ddim(2 * drawn("start", examples, 1, size, size)[0] - 1, turns)
    return {**out, "sample": seen(sample)}


def autoencoder():
    examples, steps, latent, choose = 3, 8, 4, 3
    net = fsvae_full.FSVAE(libraries.SpikingJelly(steps), 1, (4, 4, 6, 8), latent, choose)
    image = around(0, 1, "image", examples, 1, 32, 32)
    index = (choose * drawn("pick", examples, latent, steps=steps)).long()
    coin = drawn("coin", 1, steps=steps)[:, 0]
    tie = 2 * drawn("tie", examples, latent, steps=steps) - 1
    twin = Twin(encoder=net.encoder, posterior=net.posterior, prior=net.prior, decoder=net.decoder)
    given = image, index, coin, tie
    with torch.no_grad():
        net(*given, chance=2)
    twin.fill()
    mse, mmd = net(*given, chance=0.7)
    (mse + mmd).backward()
    out = {"loss": {"total": (mse + mmd).item(), "mse": mse.item(), "mmd": mmd.item()}, **twin.seen()}
    # snnc runs the prior over every prefix, this twin over those alone that the coin chooses: its statistics move less often.
    del out["statistics"]["prior"]
    return out


print(json.dumps({"torch": torch.__version__, "sddpm": unet(), "fsvae": autoencoder()}, indent=1))
