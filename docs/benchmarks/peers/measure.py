"""What the peers' programs share: arguments, timing, firing rates, and the report in JSON."""

import argparse
import contextlib
import gzip
import importlib.metadata
import json
import os
import pathlib
import statistics
import time

import torch
from torch.nn import functional as F

import libraries

LIBRARIES = {
    "spikingjelly": libraries.SpikingJelly,
    "spikingjelly-bf16": libraries.SpikingJelly,
    "snntorch": libraries.SnnTorch,
    "compile": libraries.Torch,
    "compile-bf16": libraries.Torch,
}


def digits(count, channels, height, width):
    """Reads the first images of MNIST, resized, within -1..1, from where snnc finds them."""
    home = pathlib.Path(os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local" / "share") / "snnc"
    path = pathlib.Path(os.environ.get("SNNC_DATA") or home) / "mnist" / "train-images-idx3-ubyte.gz"
    with gzip.open(path) as file:
        pixels = bytearray(file.read(16 + count * 28 * 28))[16:]
    x = torch.frombuffer(pixels, dtype=torch.uint8).view(-1, 1, 28, 28).float()
    x = F.interpolate(x, (height, width), mode="bilinear").round()
    return (x / 127.5 - 1).expand(-1, channels, -1, -1)


class Peer:
    """One contender: a library, whether torch.compile is used, and whether in bf16 autocast."""

    def __init__(self, description, **defaults):
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("contender", choices=LIBRARIES)
        parser.add_argument("--threads", type=int, default=torch.get_num_threads())
        parser.add_argument("--repeat", type=int, default=7)
        parser.add_argument("--warm", type=int, default=2, help="calls that are not timed, before those that are")
        parser.add_argument("--data", choices=("random", "mnist"), default="random")
        for name in ("--layout", "--evaluation-layout"):
            parser.add_argument(name, choices=("contiguous", "channels-last"), default="contiguous")
        for name, value in defaults.items():
            parser.add_argument("--" + name, type=type(value), default=value)
        self.arguments = parser.parse_args()
        torch.set_num_threads(self.arguments.threads)
        torch.manual_seed(7)
        name = self.arguments.contender
        self.library = LIBRARIES[name](self.arguments.steps)
        self.compiled, self.half = name.startswith("compile"), name.endswith("-bf16")
        self.net, self.figures, self.layout = None, {}, self.arguments.layout

    def use(self, net):
        """Takes the network that is timed, compiled if this contender is, and returns it."""
        self.net = self.lay(net)
        self.function = torch.compile(net) if self.compiled else net
        return net

    def evaluation(self):
        """Takes the network over to evaluation, in the layout that is faster there. Images must be laid out again."""
        self.layout = self.arguments.evaluation_layout
        self.lay(self.net).eval()

    def lay(self, net):
        last = self.layout == "channels-last"
        return net.to(memory_format=torch.channels_last if last else torch.contiguous_format)

    def images(self, x):
        """Lays x [..., C, H, W] out in memory as convolutions are to find it."""
        if self.layout == "channels-last":
            return x.movedim(-3, -1).contiguous().movedim(-1, -3)
        return x.contiguous()

    def batches(self, *shape):
        """Gives batches of examples of a shape within -1..1 without end: one after another of MNIST, or the same random one."""
        n = self.arguments.batch
        if self.arguments.data == "random":
            x = 2 * torch.rand(n, *shape) - 1
        else:
            x = digits(n * min(100, 60_000 // n), *shape)
        while True:
            yield from x.split(n)

    def autocast(self):
        return torch.autocast("cpu", dtype=torch.bfloat16) if self.half else contextlib.nullcontext()

    def time(self, name, call):
        """Times call in milliseconds, after those that compile and warm up."""
        for _ in range(self.arguments.warm):
            call()
        spans = []
        for _ in range(self.arguments.repeat):
            start = time.monotonic()
            call()
            spans.append(1e3 * (time.monotonic() - start))
        self.figures[name] = {
            "median": statistics.median(spans),
            "min": min(spans),
            "max": max(spans),
            "repeats": len(spans),
        }

    def rates(self, call):
        """Returns the share of ones that each neuron layer puts out in one call, in the order of the layers, and how many outputs
        there are in all."""
        sums, handles = {}, []

        def count(name):
            def hook(_, __, output):
                ones, size = sums.get(name, (0.0, 0))
                sums[name] = (ones + output.detach().sum().item(), size + output.numel())

            return hook

        for name, module in self.net.named_modules():
            if self.library.is_neuron(module):
                handles.append(module.register_forward_hook(count(name)))
        kept, self.function = self.function, self.net
        with torch.no_grad():
            call()
        self.function = kept
        for handle in handles:
            handle.remove()
        return [ones / size for ones, size in sums.values()], sum(size for _, size in sums.values())

    def report(self, rates, evaluation=([], 0)):
        """Prints the measurement as the last line of the output: firing rates of training and of evaluation besides."""
        versions = {name: importlib.metadata.version(name) for name in ("torch", "spikingjelly", "snntorch")}
        trainable = sum(p.numel() for p in self.net.parameters() if p.requires_grad)
        print(
            json.dumps(
                {
                    "figures": self.figures,
                    "parameters": trainable,
                    "rates": rates[0],
                    "evaluation_rates": evaluation[0],
                    "neuron_steps": rates[1],
                    "threads": torch.get_num_threads(),
                    "layouts": {"train": self.arguments.layout, "evaluation": self.arguments.evaluation_layout},
                    "cpu": torch.backends.cpu.get_cpu_capability(),
                    "versions": versions,
                }
            ),
            flush=True,
        )
