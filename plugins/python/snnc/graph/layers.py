"""Shape rules of products, pools and normalisation: what layers of a network do, and its derivatives."""

from __future__ import annotations

from typing import Optional, Sequence

from .module import Env, Node
from .rules import types_of
from .shape import MAX_STEPS, GraphError, Type, axes_text, broadcast, without


def matmul(n: Node, env: Optional[Env]) -> list[Type]:
    """a[k] or a[m k] times b[k n], or b[n k] if transposed."""
    a, b = types_of(n)
    if not 1 <= len(a.dims) <= 2 or len(b.dims) != 2:
        raise GraphError(f"cannot multiply {a} by {b}")
    k, cols = b.dims[::-1] if n.flag("transpose") else b.dims
    if a.dims[-1] != k:
        raise GraphError(f"{a} has {a.dims[-1]} columns, {b} wants {k}")
    if (b.steps > 0 or b.batch) and len(a.dims) != 2:
        raise GraphError(f"a matrix per example, {b}, wants a matrix on its left, not {a}")
    return [broadcast(a.with_dims(), b.with_dims()).with_dtype("f32").with_dims(*a.dims[:-1], cols)]


def matmul_gradient(n: Node, env: Optional[Env]) -> list[Type]:
    """The sum over all rows of a x dy."""
    a, dy = types_of(n)
    fits = 1 <= len(a.dims) <= 2 and len(dy.dims) == len(a.dims) and a.dims[:-1] == dy.dims[:-1]
    if not fits or a.steps != dy.steps or a.batch != dy.batch:
        raise GraphError(f"{a} does not fit {dy}")
    out = (a.dims[-1], dy.dims[-1])
    return [Type(dims=out[::-1] if n.flag("transpose") else out)]


def _image(t: Type) -> None:
    if len(t.dims) != 3:
        raise GraphError(f"wants [channels height width], got {t}")


def _conv_weights(t: Type) -> None:
    if t.steps > 0 or t.batch or len(t.dims) != 4 or t.dims[2] != t.dims[3]:
        raise GraphError(f"wants weights [out in k k], got {t}")


def _conv_size(size: int, kernel: int, stride: int, padding: int) -> int:
    if stride < 1 or padding < 0 or kernel < 1 or padding > MAX_STEPS or stride > MAX_STEPS:
        raise GraphError(f"kernel {kernel}, stride {stride}, pad {padding}")
    if size + 2 * padding < kernel:
        raise GraphError(f"a kernel of {kernel} does not fit {size} with padding {padding}")
    return (size + 2 * padding - kernel) // stride + 1


def _gives(sizes: Sequence[int], kernel: int, n: Node, want: Sequence[int]) -> None:
    for size, side in zip(sizes, want):
        try:
            got = _conv_size(size, kernel, n.int("stride"), n.int("pad"))
        except GraphError:
            got = 0
        if got != side:
            raise GraphError(f"a side of {size} gives {got}, not {side}")


def conv(n: Node, env: Optional[Env]) -> list[Type]:
    """x[ci h w] with w[co ci k k]."""
    x, w = types_of(n)
    _image(x)
    _conv_weights(w)
    if w.dims[1] != x.dims[0]:
        raise GraphError(f"{x.dims[0]} channels meet weights for {w.dims[1]}")
    sides = [_conv_size(s, w.dims[2], n.int("stride"), n.int("pad")) for s in x.dims[1:]]
    return [x.with_dtype("f32").with_dims(w.dims[0], *sides)]


def conv_input_gradient(n: Node, env: Optional[Env]) -> list[Type]:
    """The derivative of conv by x, also the transposed convolution."""
    y, w = types_of(n)
    _image(y)
    _conv_weights(w)
    if w.dims[0] != y.dims[0]:
        raise GraphError(f"{y.dims[0]} channels meet weights for {w.dims[0]}")
    sides = [n.int("height"), n.int("width")]
    _gives(sides, w.dims[2], n, y.dims[1:])
    return [y.with_dtype("f32").with_dims(w.dims[1], *sides)]


def conv_weight_gradient(n: Node, env: Optional[Env]) -> list[Type]:
    """The derivative of conv by its weights."""
    x, dy = types_of(n)
    _image(x)
    _image(dy)
    if x.steps != dy.steps or x.batch != dy.batch:
        raise GraphError(f"{x} does not fit {dy}")
    k = n.int("kernel")
    _gives(x.dims[1:], k, n, dy.dims[1:])
    return [Type(dims=(dy.dims[0], x.dims[0], k, k))]


def max_pool(n: Node, env: Optional[Env]) -> list[Type]:
    """The greatest of each window."""
    x = n.inputs[0].type
    _image(x)
    sides = [_conv_size(s, n.int("kernel"), n.int("stride"), 0) for s in x.dims[1:]]
    return [x.with_dims(x.dims[0], *sides)]


def max_pool_gradient(n: Node, env: Optional[Env]) -> list[Type]:
    """To the first greatest element of each window."""
    want, dy = max_pool(n, env)[0].with_dtype("f32"), n.inputs[1].type
    if dy != want:
        raise GraphError(f"gradient {dy}, want {want}")
    return [n.inputs[0].type.with_dtype("f32")]


def normalise(n: Node, env: Optional[Env]) -> list[Type]:
    """(x - mean) / sqrt(variance + epsilon), mean and biased variance."""
    x, axes = n.inputs[0].type, n.attrs["axes"]
    stat = without(x, axes)
    if not axes or any(0 <= a < len(stat.dims) for a in axes):
        raise GraphError(f"axes {axes_text(axes)}: the dims among them must be the last ones")
    return [x.with_dtype("f32"), stat, stat]


def normalise_gradient(n: Node, env: Optional[Env]) -> list[Type]:
    """The derivative of normalise."""
    dy, y, variance = types_of(n)
    if dy.with_dtype("f32") != y or variance != without(y, n.attrs["axes"]):
        raise GraphError(f"{dy}, {y} and {variance} do not belong together")
    return [y]
