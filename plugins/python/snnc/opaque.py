"""Opaque neurons and coders: they compute by themselves, whole blocks of examples over all time steps at once.

The numbers lie in memory that the host and the plugin share; functions see them as arrays of numpy, and nothing is
copied. All are float32. An array of a block has the axes [time step, example, dims of an example], dims in the order of
memory: of three or more the channels are the last.
"""

from __future__ import annotations

import math
import mmap
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Optional, Sequence

from . import schema
from .schema import DECODE, ENCODE, Arguments, Component, Refusal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Block = NDArray[np.float32]
else:  # numpy is loaded where something is computed: plugins of equations start without it
    Block = Any


@dataclass
class Use:
    """Where an opaque component is used: arguments, direction of a coder, dims of an example in the order of memory."""

    arguments: Arguments
    direction: str
    dims: tuple[int, ...]

    def neurons(self) -> int:
        """How many elements an example has at one time step."""
        return math.prod(self.dims)


@dataclass
class Forward:
    """A block of examples to be computed. Its arrays lie in shared memory and hold after the call no more.

    ``inputs``, [steps, examples, *dims], are read only; that of a coder that encodes is [examples, *dims]. ``state``
    has for each state an array [examples, *dims] with the numbers before the first time step, which is to be changed in
    place into those behind the last one. ``output``, [steps, examples, *dims] or of a coder that decodes [examples,
    *dims], and each of ``saved``, [steps, examples, *dims], are to be written, all of them; ``saved`` is empty where
    there will be no backward. ``seeds`` has, for a component that is random, a whole number below 2^48 for each
    example: all that is drawn for the example follows from it.
    """

    use: Use
    steps: int
    examples: int
    inputs: list[Block]
    state: list[Block]
    output: Block
    saved: list[Block]
    seeds: list[int]


@dataclass
class Backward:
    """A block of examples whose gradients by the inputs are asked for. Its arrays hold after the call no more.

    ``saved``, as forward has written them, and ``gradient``, by the output, are read only. ``inputs`` are to be
    written, all of them: the gradient by each input. Shapes are those of Forward.
    """

    use: Use
    steps: int
    examples: int
    saved: list[Block]
    gradient: Block
    inputs: list[Block]


@dataclass
class Prepared:
    """Computes an opaque component at a use.

    ``states`` go on from one time step to the next, one number per neuron each: the value before the first step by
    name. ``saved`` names what forward keeps for backward, one number per neuron and time step each; backward sees
    nothing else of it. Both functions may be called concurrently, for other examples. What they give for an example
    depends on that example alone, and is the same whenever and wherever it is computed.
    """

    forward: Callable[[Forward], None]
    backward: Optional[Callable[[Backward], None]] = None  # None where the component has no derivative
    states: dict[str, float] = field(default_factory=dict)
    saved: Sequence[str] = ()


@dataclass
class Opaque:
    """A neuron or coder whose component has no equations; its field ``opaque`` says what it takes and gives.

    ``prepare`` returns what computes it at a use, or raises snnc.Refusal. It is called for every use when a spec is
    checked, and once more before the use is computed; what it returns depends on the use alone.
    """

    component: Component
    prepare: Callable[[Use], Prepared]


class NotPrepared(Exception):
    """A call names a handle under which this process was given nothing: NOT_FOUND of gRPC."""


class WrongOperands(ValueError):
    """A call is not about operands of the component: INVALID_ARGUMENT of gRPC."""


@dataclass
class _Operator:
    """What a handle stands for."""

    of: Prepared
    use: Use
    declared: schema.Opaque


class Operators:
    """Computes a plugin's opaque components: it answers the calls of a host. Its methods may be called concurrently."""

    def __init__(self, of: Sequence[Opaque]) -> None:
        self._of = {x.component.name: x for x in of}
        self._handles: dict[str, _Operator] = {}
        self._arenas = Arenas()

    def prepare(self, q: schema.PrepareQuestion) -> schema.PrepareReply:
        """Answers a Prepare."""
        x = self._of.get(q.component)
        declared = x.component.opaque if x else None
        if x is None or declared is None:
            raise LookupError(
                f'no component "{q.component}" is opaque; what is stands in opaque= of the Plugin, not in equations='
            )
        use = Use(schema.declare(x.component, q.arguments), q.direction, tuple(q.dims))
        try:
            p = x.prepare(use)
        except Refusal as e:
            return schema.PrepareReply(complaints=e.complaints)
        if p.backward is not None and not declared.gradient:
            raise TypeError(
                f"{q.component} has a backward, and no gradient in its description: "
                "write gradient=True, or leave backward out"
            )
        if p.backward is None and declared.gradient:
            raise TypeError(
                f"{q.component} has gradient=True in its description, and no backward: give one, or leave gradient out"
            )
        if q.handle:
            self._handles[q.handle] = _Operator(p, use, declared)
        return schema.PrepareReply([schema.State(name, start) for name, start in p.states.items()], list(p.saved))

    def release(self, q: schema.ReleaseQuestion) -> None:
        """Answers a Release."""
        self._handles.pop(q.handle, None)

    def _handle(self, name: str) -> _Operator:
        x = self._handles.get(name)
        if x is None:
            raise NotPrepared(f'nothing is prepared under the handle "{name}"')
        return x

    def forward(self, q: schema.ForwardQuestion) -> None:
        """Answers a Forward."""
        x = self._handle(q.handle)
        at = _Operands(self._arenas.get(q.arena, q.bytes), q, x.use)
        steps_in, steps_out = _timed(x.use.direction, q.steps)
        _count("inputs", q.inputs, len(x.declared.inputs) or 1)
        _count("states", q.state, 0, len(x.of.states))
        _count("saved values", q.saved, 0, len(x.of.saved))
        _count("next states", q.next, 0, len(x.of.states))
        _count("seeds", q.seeds, q.count if x.declared.random else 0)
        given, following = [at.read(o, 0) for o in q.state], [at.written(o, 0) for o in q.next]
        x.of.forward(
            Forward(
                x.use,
                q.steps,
                q.count,
                [at.read(o, steps_in) for o in q.inputs],
                _states(x, at, given, following),
                at.written(q.output, steps_out),
                [at.written(o, q.steps) for o in q.saved],
                q.seeds,
            )
        )

    def backward(self, q: schema.BackwardQuestion) -> None:
        """Answers a Backward."""
        x = self._handle(q.handle)
        if x.of.backward is None:
            raise WrongOperands("the component has no derivative")
        at = _Operands(self._arenas.get(q.arena, q.bytes), q, x.use)
        steps_in, steps_out = _timed(x.use.direction, q.steps)
        _count("inputs", q.inputs, len(x.declared.inputs) or 1)
        _count("saved values", q.saved, len(x.of.saved))
        x.of.backward(
            Backward(
                x.use,
                q.steps,
                q.count,
                [at.read(o, q.steps) for o in q.saved],
                at.read(q.gradient, steps_out),
                [at.written(o, steps_in) for o in q.inputs],
            )
        )


def _timed(direction: str, steps: int) -> tuple[int, int]:
    """The time steps of what flows in, and of what comes out; 0 where it has none."""
    return 0 if direction == ENCODE else steps, 0 if direction == DECODE else steps


def _count(what: str, have: Sequence[Any], *want: int) -> None:
    if len(have) not in want:
        raise WrongOperands(f"{len(have)} {what} are not the operands of this component, which has {want[-1]}")


def _states(x: _Operator, at: _Operands, given: list[Block], following: list[Block]) -> list[Block]:
    """Working copies of the states at the beginning: where the states behind the last step go, if somebody wants these."""
    import numpy as np

    out = following or [np.empty((at.q.count, *x.use.dims), np.float32) for _ in x.of.states]
    for i, (state, start) in enumerate(zip(out, x.of.states.values())):
        state[...] = given[i] if given else start
    return out


class _Operands:
    """Cuts the operands of a call out of an arena."""

    def __init__(self, arena: Block, q: schema.Operands, use: Use) -> None:
        if q.steps < 1 or q.count < 1 or q.first < 0 or q.first + q.count > q.batch:
            raise WrongOperands(f"examples {q.first} to {q.first + q.count} of {q.batch}, over {q.steps} time steps")
        self._arena, self.q, self._use = arena, q, use

    def written(self, offset: int, steps: int) -> Block:
        """The examples of an operand that lies so many bytes from the beginning; 0 steps: it has no time steps."""
        shape = (self.q.batch, *self._use.dims)
        shape = (steps, *shape) if steps else shape
        begin, size = offset // 4, math.prod(shape)
        if offset < 0 or offset % 4 or begin + size > self._arena.size:
            raise WrongOperands(
                f"an operand lies at {offset} to {offset + 4 * size} of an arena of {4 * self._arena.size} bytes"
            )
        examples = slice(self.q.first, self.q.first + self.q.count)
        block = self._arena[begin : begin + size].reshape(shape)
        return block[:, examples] if steps else block[examples]

    def read(self, offset: int, steps: int) -> Block:
        """The same of an operand that is not to be written."""
        block = self.written(offset, steps)
        block.flags.writeable = False
        return block


# All pages at once where the system can, which takes a quarter of the time of one after the other at the first touch.
_MAPPING = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)


class Arenas:
    """The files of a host that the process has mapped: a mapping is kept until its file is gone and no call uses it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Block] = {}

    def get(self, path: str, size: int) -> Block:
        """The numbers of the arena at a path, of so many bytes, which is mapped at its first mention."""
        import numpy as np

        with self._lock:
            have = self._open.get(path)
            if have is not None and have.nbytes != size:
                raise ValueError(f"the arena {path} had {have.nbytes} bytes and is to have {size}")
            if have is None:
                # An array keeps its mapping; the system takes that back with the last array of a call.
                self._open = {p: a for p, a in self._open.items() if os.path.exists(p)}
                with open(path, "r+b") as f:
                    there = os.fstat(f.fileno()).st_size
                    if size <= 0 or size % 4 or there != size:
                        raise ValueError(f"the arena {path} has {there} bytes, not {size}")
                    have = np.frombuffer(mmap.mmap(f.fileno(), size, flags=_MAPPING), "<f4")
                self._open[path] = have
            return have
