"""Targets: whether circuits fit on a chip, and the chip emulated.

The numbers of weights and blocks lie in memory that the host and the plugin share; functions see them as arrays of
numpy, and nothing is copied. All are float32. An array of a block has the axes [time step, example, *dims], with dims
as those of the circuit: channels first.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Optional, Protocol, Sequence

from .circuit import SPIKES, Circuit, Tensor, size
from .opaque import Arenas, Block, NotPrepared, WrongOperands
from .schema import Amount, Arguments, Component, Refusal, ReleaseQuestion, TargetReply, TargetRequest, declare
from .verify import verify

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Bytes = NDArray[np.uint8]
else:
    Array = Bytes = Any

# The parts of energy: events; what each step of the chip costs; leakage and idling over the time; what is beside the cores.
DYNAMIC, STEP, STATIC, HOST = "dynamic", "step", "static", "host"

#: Bytes of a number of each type that a tensor of an export can have.
_BYTES = {"I8": 1, "U8": 1, "I16": 2, "I32": 4, "F32": 4}


@dataclass
class CompileRequest:
    """Asks a target to put circuits on the chip, all of them at once."""

    handle: str = ""
    component: str = ""
    arguments: Arguments = field(default_factory=Arguments)
    circuits: list[Circuit] = field(default_factory=list)
    arena: str = ""
    bytes: int = 0
    seed: int = 0  # of what the chip itself draws once, such as mismatch


@dataclass
class Compiled:
    """What the emulation of a circuit takes."""

    circuit: str
    ticks: int  # steps of the chip for one example


@dataclass
class Loss:
    """How the numbers of a layer were changed."""

    circuit: str
    layer: str
    weights: float = 0.0  # root of the mean squared difference, as a share of the root mean square
    threshold: float = 0.0  # relative difference, in the scale of the weights
    decay: float = 0.0  # difference of the membrane's decay per step
    bits: float = 0.0  # of a weight
    scale: float = 0.0  # the chip's units for 1 of the network's
    clipped: int = 0  # weights and biases beyond what the chip holds
    zeroed: float = 0.0  # share of the weights that were not 0 and are
    note: str = ""


@dataclass
class Core:
    """One core of a chip, for the picture of its use."""

    chip: int = 0
    x: int = 0
    y: int = 0
    layers: list[str] = field(default_factory=list)  # CIRCUIT: LAYER
    used: list[Amount] = field(default_factory=list)


@dataclass
class Constant:
    """A figure about a chip, from a publication."""

    name: str
    value: float
    unit: str
    kind: str  # silicon, spice, fit or derived
    source: str
    voltage: str = ""
    unverified: bool = False  # no primary text confirms it


@dataclass
class NamedTensor:
    """A tensor of an export."""

    name: str
    dtype: str  # I8, U8, I16, I32 or F32
    dims: list[int] = field(default_factory=list)

    def bytes(self) -> int:
        """How many it has."""
        if self.dtype not in _BYTES or any(d < 0 for d in self.dims):
            raise ValueError(f"tensor {self.name}: there is no {self.dtype} of {self.dims}")
        return _BYTES[self.dtype] * math.prod(self.dims)


@dataclass
class CompileReply(TargetReply):
    """How the circuits lie on the chip, and what was lost on the way."""

    programs: list[Compiled] = field(default_factory=list)  # one for each circuit
    losses: list[Loss] = field(default_factory=list)
    cores: list[Core] = field(default_factory=list)
    chips: int = 0
    constants: list[Constant] = field(default_factory=list)  # all that times and energies are computed from
    tensors: list[NamedTensor] = field(default_factory=list)  # of the export


@dataclass
class EmulateQuestion:
    """The request of Emulate: where blocks lie in the arena, and which examples of them the call is about."""

    handle: str = ""
    circuit: str = ""
    arena: str = ""
    bytes: int = 0
    steps: int = 0
    batch: int = 0
    first: int = 0
    count: int = 0
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    taps: list[int] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)


@dataclass
class Activity:
    """What a layer of the chip did."""

    layer: str
    spikes: list[float] = field(default_factory=list)  # at each time step of the network
    synops: float = 0.0  # synaptic events: one synapse that a spike reaches
    active: float = 0.0  # updates of neurons that took something in or fired
    inactive: float = 0.0
    messages: float = 0.0  # between cores
    hops: float = 0.0
    clipped: float = 0.0  # updates in which a state left its range


@dataclass
class Energy:
    """One part of the energy in joules, as an interval."""

    part: str
    low: float
    high: float
    from_: list[str] = field(default_factory=list)  # names of the constants that it was computed from
    profile: str = ""  # which set of constants
    note: str = ""


@dataclass
class EmulateReply:
    """What the chip did for all examples of a block together."""

    layers: list[Activity] = field(default_factory=list)
    ticks: float = 0.0  # steps of the chip
    energy: list[Energy] = field(default_factory=list)
    time: list[Amount] = field(
        default_factory=list
    )  # seconds, one example after another: used the least, limit the most


@dataclass
class ExportExample:
    """What goes into a circuit for one example: where its blocks lie in the arena."""

    circuit: str = ""
    steps: int = 0
    inputs: list[int] = field(default_factory=list)
    seed: int = 0


@dataclass
class ExportQuestion:
    """The request of Export."""

    handle: str = ""
    arena: str = ""
    bytes: int = 0
    offsets: list[int] = field(default_factory=list)
    examples: list[ExportExample] = field(default_factory=list)


@dataclass
class ExportReply:
    """The answer to Export."""

    text: str


@dataclass
class TraceRequest:
    """A network in the target's own terms: the text of an export, or one that a person has written."""

    component: str = ""
    arguments: Arguments = field(default_factory=Arguments)
    text: str = ""
    arena: str = ""
    bytes: int = 0
    tensors: list[NamedTensor] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)


@dataclass
class TraceReply:
    """What the chip did, JSON values in lines, or what is wrong with the text."""

    lines: str = ""
    error: str = ""


@dataclass
class Run:
    """Examples of a circuit to be run, each from its beginning. Its arrays hold during the call only.

    ``inputs``, [steps, examples, *dims] of spikes and [examples, *dims] of a drive, are read only. ``outputs``, one for
    each population that gives, and ``taps``, one for each with spikes or none at all, are to be written, all of them:
    [steps, examples, *dims], and [examples, *dims] of a read-out. ``seeds`` has a number for each example.
    """

    circuit: str
    steps: int
    examples: int
    inputs: list[Block]
    outputs: list[Block]
    taps: list[Block]
    seeds: list[int]


class Chip(Protocol):
    """Compiled circuits on an emulated chip. Its methods may be called concurrently."""

    def emulate(self, run: Run) -> EmulateReply:
        """Runs examples of a circuit. What it gives for one depends on that example and its seed alone."""

    def export(self, examples: Sequence[Run]) -> tuple[str, Sequence[Array]]:
        """The compiled circuits in the target's own terms: a JSON text, and the tensors of CompileReply in their order.

        What goes in is that of ``examples``, at most one for each circuit: runs of one example, without outputs and taps.
        ``trace`` makes of the text what ``emulate`` makes of them. Without examples nothing goes in.
        """


#: Returns the numbers of a tensor of a request, to be read only.
Weights = Callable[[Tensor], Block]


@dataclass
class Target:
    """A chip.

    ``check`` says how circuits lie on it. ``compile`` puts them there, with the numbers that it is given to read during
    the call; it returns None for the chip where they do not fit. Without it the target only tells whether they fit.
    ``trace`` runs a network in the target's own terms, with its tensors by name. All may raise snnc.Refusal but trace.
    """

    component: Component
    check: Callable[[TargetRequest], TargetReply]
    compile: Optional[Callable[[CompileRequest, Weights], tuple[Optional[Chip], CompileReply]]] = None
    trace: Optional[Callable[[TraceRequest, dict[str, Array]], TraceReply]] = None

    def described(self) -> Component:
        """The component with what it does."""
        return dataclasses.replace(self.component, emulates=self.compile is not None, traces=self.trace is not None)


@dataclass
class _Held:
    """What a handle stands for."""

    chip: Chip
    circuits: list[Circuit]
    tensors: list[NamedTensor]


class Chips:
    """A plugin's targets at work: it answers the calls of a host. Its methods may be called concurrently."""

    def __init__(self, of: Sequence[Target]) -> None:
        self._of = {t.component.name: t for t in of}
        self._handles: dict[str, _Held] = {}
        self._arenas = Arenas()

    def _target(self, name: str) -> Target:
        t = self._of.get(name)
        if t is None:
            raise LookupError(f'there is no target "{name}"')
        return t

    def check(self, q: TargetRequest) -> TargetReply:
        """Answers a Check."""
        t = self._target(q.component)
        verify(q.circuits)
        q.arguments = declare(t.component, q.arguments)
        try:
            return t.check(q)
        except Refusal as e:
            return TargetReply(False, complaints=e.complaints)

    def compile(self, q: CompileRequest) -> CompileReply:
        """Answers a Compile."""
        t = self._target(q.component)
        if t.compile is None:
            how = "only tells whether networks fit: it has no compile, and emulates none"
            raise LookupError(f'target "{q.component}" {how}')
        verify(q.circuits)
        q.arguments = declare(t.component, q.arguments)
        arena = self._arenas.get(q.arena, q.bytes)
        try:
            chip, r = t.compile(q, lambda tensor: _tensor(arena, tensor))
        except Refusal as e:
            chip, r = None, CompileReply(False, complaints=e.complaints)
        self._handles.pop(q.handle, None)
        if r.fits and not r.complaints:
            if chip is None:
                raise TypeError(f"{q.component}: all fits, and compile gives no chip")
            self._handles[q.handle] = _Held(chip, q.circuits, r.tensors)
        return r

    def release(self, q: ReleaseQuestion) -> None:
        """Answers a Release."""
        self._handles.pop(q.handle, None)

    def _handle(self, name: str) -> _Held:
        x = self._handles.get(name)
        if x is None:
            raise NotPrepared(f'nothing is compiled under the handle "{name}"')
        return x

    def emulate(self, q: EmulateQuestion) -> EmulateReply:
        """Answers an Emulate."""
        x = self._handle(q.handle)
        c = next((c for c in x.circuits if c.name == q.circuit), None)
        if c is None:
            raise WrongOperands(f'no circuit "{q.circuit}" is compiled under the handle "{q.handle}"')
        if q.steps < 1 or q.count < 1 or q.first < 0 or q.first + q.count > q.batch:
            raise WrongOperands(f"examples {q.first} to {q.first + q.count} of {q.batch}, over {q.steps} time steps")
        gives, spiking = [p for p in c.populations if p.gives], [p for p in c.populations if not p.reads]
        wrong = (
            len(q.inputs) != len(c.inputs)
            or len(q.outputs) != len(gives)
            or len(q.taps) not in (0, len(spiking))
            or len(q.seeds) not in (0, q.count)
        )
        if wrong:
            have = f"{len(q.inputs)} inputs, {len(q.outputs)} outputs, {len(q.taps)} taps and {len(q.seeds)} seeds"
            raise WrongOperands(f"{have} are not the operands of circuit {c.name} for {q.count} examples")
        arena = self._arenas.get(q.arena, q.bytes)
        inputs = [_block(arena, q, at, i.dims, i.kind == SPIKES) for at, i in zip(q.inputs, c.inputs)]
        for block in inputs:
            block.flags.writeable = False
        outputs = [_block(arena, q, at, p.dims, not p.reads) for at, p in zip(q.outputs, gives)]
        taps = [_block(arena, q, at, p.dims, True) for at, p in zip(q.taps, spiking)]
        return x.chip.emulate(Run(c.name, q.steps, q.count, inputs, outputs, taps, q.seeds or [0] * q.count))

    def export(self, q: ExportQuestion) -> ExportReply:
        """Answers an Export."""
        import numpy as np

        x = self._handle(q.handle)
        if len(q.offsets) != len(x.tensors):
            raise WrongOperands(f"{len(q.offsets)} offsets are not those of {len(x.tensors)} tensors")
        arena = self._arenas.get(q.arena, q.bytes)
        text, tensors = x.chip.export([_example(arena, x.circuits, e) for e in q.examples])
        if len(tensors) != len(x.tensors):
            raise TypeError(f"export gives {len(tensors)} tensors, and compile has named {len(x.tensors)}")
        memory = arena.view(np.uint8)
        for at, t, array in zip(q.offsets, x.tensors, tensors):
            data = np.ascontiguousarray(array, _DTYPES[t.dtype]).reshape(-1).view(np.uint8)
            if data.size != t.bytes():
                raise TypeError(f"export: tensor {t.name} has {data.size} bytes, and {t.dtype} of {t.dims} {t.bytes()}")
            _piece(memory, at, data.size, t.name)[...] = data
        return ExportReply(text)

    def trace(self, q: TraceRequest) -> TraceReply:
        """Answers a Trace."""
        import numpy as np

        t = self._target(q.component)
        if t.trace is None:
            raise LookupError(f'target "{q.component}" runs no networks in its own terms: it has no trace')
        if len(q.offsets) != len(q.tensors):
            raise WrongOperands(f"{len(q.offsets)} offsets are not those of {len(q.tensors)} tensors")
        q.arguments = declare(t.component, q.arguments)
        tensors: dict[str, Array] = {}
        memory = self._arenas.get(q.arena, q.bytes).view(np.uint8) if q.arena else np.empty(0, np.uint8)
        for at, x in zip(q.offsets, q.tensors):
            try:
                count = x.bytes()
            except ValueError as e:
                raise WrongOperands(str(e)) from None
            piece = _piece(memory, at, count, x.name).view(_DTYPES[x.dtype]).reshape(x.dims)
            piece.flags.writeable = False
            tensors[x.name] = piece
        return t.trace(q, tensors)


#: Types of numpy by those of tensors.
_DTYPES = {"I8": "<i1", "U8": "<u1", "I16": "<i2", "I32": "<i4", "F32": "<f4"}


def _piece(memory: Bytes, at: int, count: int, name: str) -> Bytes:
    if at < 0 or at + count > memory.size:
        raise WrongOperands(f"tensor {name} lies at {at} to {at + count} of an arena of {memory.size} bytes")
    return memory[at : at + count]


def _tensor(arena: Block, t: Tensor) -> Block:
    """The numbers of a tensor, read only."""
    at, count = t.offset // 4, size(t.dims)
    if t.offset < 0 or t.offset % 4 or at + count > arena.size:
        raise WrongOperands(f"a tensor of {t.dims} at byte {t.offset} is not in an arena of {4 * arena.size} bytes")
    out = arena[at : at + count].reshape(t.dims)
    out.flags.writeable = False
    return out


def _example(arena: Block, circuits: list[Circuit], e: ExportExample) -> Run:
    """The run of one example, without what is to be written."""
    c = next((c for c in circuits if c.name == e.circuit), None)
    if c is None or e.steps < 1 or len(e.inputs) != len(c.inputs):
        raise WrongOperands(f'{len(e.inputs)} inputs over {e.steps} time steps are no example of a circuit "{e.circuit}"')
    q = EmulateQuestion(steps=e.steps, batch=1, count=1)
    inputs = [_block(arena, q, at, i.dims, i.kind == SPIKES) for at, i in zip(e.inputs, c.inputs)]
    for block in inputs:
        block.flags.writeable = False
    return Run(c.name, e.steps, 1, inputs, [], [], [e.seed])


def _block(arena: Block, q: EmulateQuestion, offset: int, dims: list[int], timed: bool) -> Block:
    """The examples of a block that lies so many bytes from the beginning."""
    shape = (q.steps, q.batch, *dims) if timed else (q.batch, *dims)
    begin, count = offset // 4, math.prod(shape)
    if offset < 0 or offset % 4 or begin + count > arena.size:
        end = offset + 4 * count
        raise WrongOperands(f"an operand lies at {offset} to {end} of an arena of {4 * arena.size} bytes")
    examples = slice(q.first, q.first + q.count)
    block = arena[begin : begin + count].reshape(shape)
    return block[:, examples] if timed else block[examples]
