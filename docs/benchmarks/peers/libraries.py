"""The layers of a spiking network as the users of each library write them.

A network is written once, against one of three classes with the same names: conv, deconv, linear, norm, norm_features, lif,
integrator, upsample and per_image make layers or reshape, run gives a network its input. What differs is where time is:

- SpikingJelly: multi-step layers on [T, B, ...]; convolutions see T*B images at once.
- SnnTorch: layers of one time step on [B, ...]; run loops over the T steps of the whole network, so that batch
  normalisation takes its statistics of one step, as in the library's own examples.
- Torch: no library; layers on T*B images as in SpikingJelly, and a neuron of a dozen lines, for torch.compile.

Running statistics of batch normalisation are those of the newest batch unless `momentum` is set to another value: those of a few
updates from scratch would silence a network in evaluation, and what fires is what event kernels pay for.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


class SpikingJelly:
    """Layers of spikingjelly.activation_based in step mode `m`, backend `torch`."""

    gain = 1.0
    momentum = 1.0  # the share of the newest batch in running statistics

    def __init__(self, steps):
        from spikingjelly.activation_based import functional, layer, neuron, surrogate

        self.steps, self.layer, self.neuron, self.surrogate, self.functional = steps, layer, neuron, surrogate, functional

    def conv(self, i, o, kernel=3, stride=1, bias=True):
        return self.layer.Conv2d(i, o, kernel, stride, kernel // 2, bias=bias, step_mode="m")

    def deconv(self, i, o):
        return self.layer.ConvTranspose2d(i, o, 3, 2, 1, 1, step_mode="m")

    def linear(self, i, o):
        return self.layer.Linear(i, o, step_mode="m")

    def norm(self, channels):
        return self.layer.BatchNorm2d(channels, momentum=self.momentum, step_mode="m")

    def norm_features(self, features):
        return self.layer.BatchNorm1d(features, momentum=self.momentum, step_mode="m")

    def lif(self, decay_input):
        return self.neuron.LIFNode(
            tau=2.0, decay_input=decay_input, detach_reset=True, surrogate_function=self.surrogate.ATan(), step_mode="m"
        )

    def integrator(self):
        return self.neuron.IFNode(surrogate_function=self.surrogate.ATan(), step_mode="m")

    def is_neuron(self, module):
        return isinstance(module, self.neuron.BaseNode)

    def upsample(self, x):
        return F.interpolate(x.flatten(0, 1), scale_factor=2, mode="nearest").unflatten(0, x.shape[:2])

    def per_image(self, e):
        return e[None, :, :, None, None]

    def run(self, net, x, *more):
        """Runs net on x [T, B, ...] and forgets the membranes' state. What is more is the same at all steps."""
        y = net(x, *more)
        self.functional.reset_net(net)
        return y


class SnnTorch:
    """Layers of torch.nn and snntorch.Leaky, one time step at a time."""

    gain = 0.5  # by what an input is multiplied beforehand where the other libraries' neurons decay it
    momentum = 1.0  # the share of the newest batch in running statistics

    def __init__(self, steps):
        import snntorch
        from snntorch import surrogate

        self.steps, self.snntorch, self.surrogate = steps, snntorch, surrogate

    def conv(self, i, o, kernel=3, stride=1, bias=True):
        return nn.Conv2d(i, o, kernel, stride, kernel // 2, bias=bias)

    def deconv(self, i, o):
        return nn.ConvTranspose2d(i, o, 3, 2, 1, 1)

    def linear(self, i, o):
        return nn.Linear(i, o)

    def norm(self, channels):
        return nn.BatchNorm2d(channels, momentum=self.momentum)

    def norm_features(self, features):
        return nn.BatchNorm1d(features, momentum=self.momentum)

    def lif(self, decay_input):
        """Without decay of the input in either case: the library has none, see gain."""
        return self.snntorch.Leaky(
            beta=0.5, reset_mechanism="zero", reset_delay=False, spike_grad=self.surrogate.atan(), init_hidden=True
        )

    def integrator(self):
        return self.snntorch.Leaky(
            beta=1.0, reset_mechanism="zero", reset_delay=False, spike_grad=self.surrogate.atan(), init_hidden=True
        )

    def is_neuron(self, module):
        return isinstance(module, self.snntorch.SpikingNeuron)

    def upsample(self, x):
        return F.interpolate(x, scale_factor=2, mode="nearest")

    def per_image(self, e):
        return e[:, :, None, None]

    def run(self, net, x, *more):
        for module in net.modules():  # snntorch.utils.reset sees the outermost modules alone
            if self.is_neuron(module):
                module.reset_mem()
        return torch.stack([net(step, *more) for step in x])


class Spike(torch.autograd.Function):
    """1 where v >= 0; the derivative of atan(pi * v) / pi instead of its own."""

    @staticmethod
    def forward(ctx, v):
        ctx.save_for_backward(v)
        return (v >= 0).to(v.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (v,) = ctx.saved_tensors
        return gradient / (1 + (math.pi * v).square())


class Neuron(nn.Module):
    """v = v * decay + x * gain; a spike at 1 sets v to 0. Over all steps of x [T, B, ...]."""

    def __init__(self, decay, gain=1.0, detach=True):
        super().__init__()
        self.decay, self.gain, self.detach = decay, gain, detach

    def forward(self, x):
        v, out = torch.zeros_like(x[0]), []
        for step in x.unbind(0):
            v = v * self.decay + step * self.gain
            spike = Spike.apply(v - 1)
            v = v * (1 - (spike.detach() if self.detach else spike))
            out.append(spike)
        return torch.stack(out)


class EachStep(nn.Module):
    """Gives a layer of [N, ...] the T*B images of [T, B, ...]."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Torch:
    """Layers of torch.nn and a neuron of our own."""

    gain = 1.0
    momentum = 1.0  # the share of the newest batch in running statistics

    def __init__(self, steps):
        self.steps = steps

    def conv(self, i, o, kernel=3, stride=1, bias=True):
        return EachStep(nn.Conv2d(i, o, kernel, stride, kernel // 2, bias=bias))

    def deconv(self, i, o):
        return EachStep(nn.ConvTranspose2d(i, o, 3, 2, 1, 1))

    def linear(self, i, o):
        return nn.Linear(i, o)

    def norm(self, channels):
        return EachStep(nn.BatchNorm2d(channels, momentum=self.momentum))

    def norm_features(self, features):
        return EachStep(nn.BatchNorm1d(features, momentum=self.momentum))

    def lif(self, decay_input):
        return Neuron(0.5, 0.5 if decay_input else 1.0)

    def integrator(self):
        return Neuron(1.0, detach=False)

    def is_neuron(self, module):
        return isinstance(module, Neuron)

    def upsample(self, x):
        return F.interpolate(x.flatten(0, 1), scale_factor=2, mode="nearest").unflatten(0, x.shape[:2])

    def per_image(self, e):
        return e[None, :, :, None, None]

    def run(self, net, x, *more):
        return net(x, *more)
