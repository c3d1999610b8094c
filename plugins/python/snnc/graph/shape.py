"""Types of values: element type, time axis, batch axis and the dims of one example.

Rules and limits are those of the host, which infers every type anew when it reads a text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Iterable, Sequence, Union

#: The element types: numbers, spikes (0 or 1), whole numbers. A ``state`` is the bundle of the neuron states of a role.
DTYPES = ("f32", "bit", "i32", "state")

#: The axes that are no dims. 0, 1, ... are the dims of one example, channels first.
TIME, BATCH = -2, -1

MAX_STEPS = 1 << 20  # time steps of a value
MAX_ELEMENTS = 1 << 31  # elements of one example at one time step
MAX_DIMS = 6

#: An axis as callers may write it: a number, ``"t"`` (time) or ``"n"`` (batch).
AxisLike = Union[int, str]


class GraphError(Exception):
    """What is wrong with a graph, a Program or its text."""


@dataclass(frozen=True)
class Type:
    """The type of a value; the text form is ``f32[T4 N 16 7 7]``, in the order time, batch, dims.

    ``steps`` is the length of the time axis, 0 where there is none. ``batch`` says whether there is a batch axis, whose
    length is no part of the type. ``dims`` are those of one example, channels first. ``role`` is that of a ``state``.
    """

    dtype: str = "f32"
    steps: int = 0
    batch: bool = False
    dims: tuple[int, ...] = ()
    role: str = ""

    def __str__(self) -> str:
        if self.dtype == "state":
            return f"state[{self.role}]"
        parts = [f"T{self.steps}"] if self.steps > 0 else []
        if self.batch:
            parts.append("N")
        return f"{self.dtype}[{' '.join(parts + [str(d) for d in self.dims])}]"

    def size(self) -> int:
        """The number of elements of one example at one time step; -1 where that is impossible."""
        return product(self.dims)

    def with_dtype(self, dtype: str) -> Type:
        """The type with another element type."""
        return replace(self, dtype=dtype)

    def with_dims(self, *dims: int) -> Type:
        """The type with other dims."""
        return replace(self, dims=tuple(dims))

    def with_steps(self, steps: int) -> Type:
        """The type with a time axis of another length; 0 removes it."""
        return replace(self, steps=steps)

    def dim_axes(self) -> list[int]:
        """The axes of one example at one time step."""
        return list(range(len(self.dims)))

    def all_axes(self) -> list[int]:
        """Every axis, in the order time, batch, dims."""
        return [a for a, there in ((TIME, self.steps > 0), (BATCH, self.batch)) if there] + self.dim_axes()


def scalar() -> Type:
    """The type of one number, ``f32[]``."""
    return Type()


def real(*dims: int) -> Type:
    """The type of one number for each element of each example, ``f32[N dims]``."""
    return Type(batch=True, dims=dims)


def signal(steps: int, *dims: int) -> Type:
    """The type of numbers over time, ``f32[Tsteps N dims]``."""
    return Type(steps=steps, batch=True, dims=dims)


def spikes(steps: int, *dims: int) -> Type:
    """The type of spikes over time, ``bit[Tsteps N dims]``."""
    return Type(dtype="bit", steps=steps, batch=True, dims=dims)


def integer() -> Type:
    """The type of one whole number for each example, such as its class or the number of a step: ``i32[N]``."""
    return Type(dtype="i32", batch=True)


def state(role: str) -> Type:
    """The type of the neuron states of a role."""
    return Type(dtype="state", role=role)


def wire(t: Type) -> str:
    """A type as the language writes it: ``real[1, 8, 8]``, ``spikes[32]``, one whole number per example as ``int``."""
    if t.dtype == "i32" and not t.dims:
        return "int"
    kind = "real"
    if t.dtype == "i32":
        kind = "tokens"
    elif t.steps > 0:
        kind = "spikes" if t.dtype == "bit" else "signal"
    return f"{kind}[{', '.join(str(d) for d in t.dims)}]"


def axis_of(axis: AxisLike) -> int:
    """The number of an axis that a caller names."""
    if axis == "t":
        return TIME
    if axis == "n":
        return BATCH
    if isinstance(axis, bool) or not isinstance(axis, int):
        raise GraphError(f"{axis!r} is no axis")
    return axis


def axis_text(axis: int) -> str:
    """An axis as the text form writes it."""
    return {TIME: "t", BATCH: "n"}.get(axis, str(axis))


def axes_text(axes: Iterable[int]) -> str:
    """A list of axes as the text form writes it."""
    return f"[{' '.join(axis_text(a) for a in axes)}]"


def product(dims: Sequence[int]) -> int:
    """The number of elements of dims, -1 where one or all of them are not possible."""
    n = 1
    for d in dims:
        if d < 1 or d > MAX_ELEMENTS or n > MAX_ELEMENTS // d:
            return -1
        n *= d
    return n


def possible(t: Type) -> bool:
    """Whether a value of the type is within the limits."""
    return 0 <= t.steps <= MAX_STEPS and 0 <= t.size() and len(t.dims) <= MAX_DIMS


def bracket(dims: Sequence[int]) -> str:
    """Dims as the host's messages show them: ``[1 8 8]``."""
    return f"[{' '.join(str(d) for d in dims)}]"


def broadcast(a: Type, b: Type) -> Type:
    """The type of an element-wise result of a and b.

    A missing time or batch axis is repeated, dims align from the first (the channel axis), and an axis of length 1
    meets any length. The element type is that of a.
    """
    if "state" in (a.dtype, b.dtype):
        raise GraphError("state is not a number")
    if a.steps and b.steps and a.steps != b.steps:
        raise GraphError(f"{a.steps} time steps meet {b.steps}")
    long, short = (a.dims, b.dims) if len(a.dims) >= len(b.dims) else (b.dims, a.dims)
    dims = list(long)
    for i, d in enumerate(short):
        if dims[i] == 1:
            dims[i] = d
        elif d not in (1, dims[i]):
            raise GraphError(f"shapes {bracket(a.dims)} and {bracket(b.dims)} do not align from the channel axis")
    return replace(a, steps=a.steps or b.steps, batch=a.batch or b.batch, dims=tuple(dims))


def without(t: Type, axes: Sequence[int]) -> Type:
    """The type without the axes, of numbers."""
    steps, batch = t.steps, t.batch
    for i, a in enumerate(axes):
        if i > 0 and axes[i - 1] >= a:
            raise GraphError(f"axes {axes_text(axes)} are not in the order t, n, 0, 1, ...")
        if a == TIME and t.steps > 0:
            steps = 0
        elif a == BATCH and t.batch:
            batch = False
        elif not 0 <= a < len(t.dims):
            raise GraphError(f"{t} has no axis {axis_text(a)}")
    return Type("f32", steps, batch, tuple(d for i, d in enumerate(t.dims) if i not in axes))


def resized(t: Type, axis: int, length: Callable[[int], int]) -> Type:
    """The type with another length along an axis that it has, time or a dim."""
    if axis == TIME and t.steps > 0:
        n = length(t.steps)
        if n < 1:
            raise GraphError("no time step is left")
        return t.with_steps(n)
    if 0 <= axis < len(t.dims):
        n = length(t.dims[axis])
        if n < 1:
            raise GraphError(f"nothing is left along axis {axis}")
        return t.with_dims(*t.dims[:axis], n, *t.dims[axis + 1 :])
    raise GraphError(f"{t} has no axis {axis_text(axis)}")
