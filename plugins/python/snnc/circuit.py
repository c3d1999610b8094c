"""What a chip can take of a network: populations of spiking neurons and of read-outs, the synapses onto them, and what
the host sends.

The host cuts a Circuit out of the network's graph; batch norms, biases and constant factors are folded into weights.
Elements are counted in row-major order of dims, channels first. What the numbers mean, with the equations of a neuron
and how time steps of the network and of a chip belong together: `snnc doc plugin-protocol#targets`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Indices = NDArray[np.int64]
else:
    Floats = Indices = Any

# Kinds of inputs: 0 or 1 at each time step, or a current for each neuron that is the same at all time steps.
SPIKES, DRIVE = "spikes", "drive"

# Ways to reset: to a value, by a value, not at all.
TO, BY, NONE = "to", "by", "none"

# Kinds of synapses, with the dims of their weights.
DENSE = "dense"  # every element with every neuron: [out, in]
CONV = "conv"  # cross-correlation: [out channels, in channels, kernel, kernel]
DECONV = "deconv"  # its transpose: [in channels, out channels, kernel, kernel]
SAME = "same"  # each element with the neuron of its place: one weight, [1]
POOL = "pool"  # a window of a channel with a neuron of that channel: one weight, [1]


@dataclass
class Tensor:
    """Where numbers lie: float32, row-major, so many bytes from the arena's beginning. The dims alone hold without one."""

    dims: list[int] = field(default_factory=list)
    offset: int = 0


@dataclass
class Input:
    """What the host sends: ``spikes`` at each time step, or a ``drive`` for each neuron."""

    name: str = ""  # for people
    kind: str = ""
    dims: list[int] = field(default_factory=list)  # of one example at one time step: [channels, height, width] or [n]
    once: bool = False  # each element of these spikes has one in an example at most


@dataclass
class Reset:
    """What a spike does to the membrane."""

    kind: str = ""
    value: float = 0.0


@dataclass
class View:
    """A source as synapses see it: elements from ``offset`` on in the shape of ``from_``, rows and columns repeated.

    ``dims`` is the outcome: [channels, height, width], or flat.
    """

    offset: int = 0
    from_: list[int] = field(default_factory=list)
    tall: int = 0  # how often a row is repeated; 0 as 1
    wide: int = 0
    dims: list[int] = field(default_factory=list)


@dataclass
class Synapses:
    """Connect a source, which is a population or, where ``population`` is -1, an input, with a population."""

    population: int = 0
    input: int = 0
    kind: str = ""
    view: View = field(default_factory=View)
    kernel: int = 0
    stride: int = 0
    pad: int = 0  # rows and columns of zeros around what comes in; of a deconv: cut off
    weights: Tensor = field(default_factory=Tensor)
    delay: int = 0  # steps that spikes wait on a chip


@dataclass
class Measured:
    """What the network did on examples in software."""

    examples: int = 0
    rate: float = 0.0  # spikes per neuron and time step
    active: float = 0.0  # share of neurons that spiked at all
    low: float = 0.0  # the 0.1 % quantile of the membrane before reset
    high: float = 0.0  # the 99.9 % quantile
    rates: Optional[Tensor] = None  # spikes per time step of each neuron


@dataclass
class Population:
    """Neurons of one kind, the same for all of them but for bias and drive.

    With x the sum of bias, drive, and weights of synapses whose source spikes, u[t] = current_decay u[t-1] + x[t] (x[t]
    without a current) and v[t] = decay v'[t-1] + u[t], v'[-1] = start, a neuron spikes at t where v[t] >= threshold (>
    where it is strict), and v' is v after the reset. A late one has the same membrane and each spike one step later. One
    with a refractory time of r stays at the value of its reset, without a spike, for r steps behind its spike. A read-out
    has no spikes and no reset, and gives v of the last time step times its scale.
    """

    name: str = ""
    dims: list[int] = field(default_factory=list)
    decay: float = 0.0
    current: bool = False
    current_decay: float = 0.0
    start: float = 0.0
    threshold: float = 0.0
    strict: bool = False
    late: bool = False
    reset: Reset = field(default_factory=Reset)
    once: bool = False
    refractory: int = 0
    reads: bool = False
    scale: float = 0.0
    bias: Optional[Tensor] = None  # [channels], or one number per neuron
    drive: list[int] = field(default_factory=list)  # inputs of kind ``drive``
    synapses: list[Synapses] = field(default_factory=list)
    depth: int = 0
    gives: bool = False  # the host reads it: the spikes of every step, or the read-out
    measured: Optional[Measured] = None

    def neurons(self) -> int:
        """How many there are."""
        return size(self.dims)


@dataclass
class Circuit:
    """Populations in an order in which each stands behind those that it has synapses from."""

    name: str = ""  # unique in a request
    network: str = ""
    steps: int = 0  # time steps of an example
    inputs: list[Input] = field(default_factory=list)
    populations: list[Population] = field(default_factory=list)

    def source(self, s: Synapses) -> list[int]:
        """The dims of what synapses come from."""
        return self.inputs[s.input].dims if s.population < 0 else self.populations[s.population].dims


def size(dims: list[int]) -> int:
    """How many elements dims have."""
    return math.prod(dims)


def _map(dims: list[int]) -> tuple[int, int, int]:
    """Dims as those of maps: [n] has n channels of one place."""
    return (dims[0], dims[1], dims[2]) if len(dims) == 3 else (dims[0], 1, 1)


def elements(v: View) -> Indices:
    """Which element of the source each element of a view is, in the order of the view's dims."""
    import numpy as np

    at = v.offset + np.arange(size(v.from_)).reshape(_map(v.from_))
    return at.repeat(v.tall or 1, axis=1).repeat(v.wide or 1, axis=2).reshape(-1)


def matrix(s: Synapses, source: list[int], dims: list[int], weights: Floats) -> Floats:
    """The weights of all connections, [neurons, elements of the source], from a source onto a population of these dims.

    An element that the view repeats may be connected with a neuron more than once: the matrix has the sum.
    """
    import numpy as np

    seen = np.zeros((size(dims), size(s.view.dims)), np.float32)  # by element of the view
    if s.kind == DENSE:
        seen[...] = weights
    elif s.kind == SAME:
        np.fill_diagonal(seen, weights[0])
    else:
        channels, height, width = _map(s.view.dims)
        outs, rows, cols = _map(dims)
        box = seen.reshape(outs, rows, cols, channels, height, width)
        for y in range(rows):
            for x in range(cols):
                for i, a in _taps(s, y, height):
                    for j, b in _taps(s, x, width):
                        if s.kind == POOL:
                            for c in range(channels):
                                box[c, y, x, c, i, j] = weights[0]
                        else:
                            box[:, y, x, :, i, j] = weights[:, :, a, b] if s.kind == CONV else weights[:, :, a, b].T
    whole = np.zeros((size(dims), size(source)), np.float32)
    np.add.at(whole.T, elements(s.view), seen.T)
    return whole


def _taps(s: Synapses, at: int, places: int) -> list[tuple[int, int]]:
    """Which places of one side of the view a neuron is connected with, and by which row or column of the kernel."""
    if s.kind == DECONV:  # at = i * stride + a - pad
        pairs = [(i, at + s.pad - i * s.stride) for i in range(places)]
        return [(i, a) for i, a in pairs if 0 <= a < s.kernel]
    pairs = [(at * s.stride + a - s.pad, a) for a in range(s.kernel)]
    return [(i, a) for i, a in pairs if 0 <= i < places]
