"""Shape rules: for each operator the types of its results. They say what the host's rules say, in the same words.

Those of products, pools and normalisation are in layers.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Optional, Sequence

from .literals import number, quote
from .module import Env, Node
from .shape import (
    BATCH,
    MAX_DIMS,
    MAX_ELEMENTS,
    MAX_STEPS,
    TIME,
    GraphError,
    Type,
    axes_text,
    axis_text,
    bracket,
    broadcast,
    product,
    resized,
    scalar,
    state,
    without,
)


def types_of(n: Node) -> list[Type]:
    """The types of what goes in."""
    return [v.type for v in n.inputs]


def _number(t: Type) -> list[Type]:
    if t.dtype == "state":
        raise GraphError("state is not a number")
    return [t.with_dtype("f32")]


def one_number(n: Node, env: Optional[Env]) -> list[Type]:
    """One number."""
    return [scalar()]


def same(n: Node, env: Optional[Env]) -> list[Type]:
    """What goes in."""
    return [n.inputs[0].type]


# Sources.


def input_(n: Node, env: Optional[Env]) -> list[Type]:
    """A parameter of the function."""
    return [n.attrs["type"]]


def _variable(n: Node, env: Optional[Env]) -> Type:
    if env is None:
        raise GraphError("no variables here")
    t = env.variable_type(n.text("var"))
    if t is None:
        raise GraphError(f"unknown variable {quote(n.text('var'))}")
    return t


def read(n: Node, env: Optional[Env]) -> list[Type]:
    """A variable."""
    return [_variable(n, env)]


def constant(n: Node, env: Optional[Env]) -> list[Type]:
    """Numbers that stand in the text: one, or as many as the dims have."""
    dtype = n.text("dtype") or "f32"
    if dtype not in ("f32", "i32", "bit"):
        raise GraphError(f"unknown element type {quote(dtype)}")
    t = Type(dtype, dims=tuple(n.attrs.get("dims", [])))
    many = n.attrs.get("values")
    if ("value" in n.attrs) == (many is not None):
        raise GraphError("wants either value or values")
    if many is not None and len(many) != t.size():
        raise GraphError(f"{len(many)} values for dims {bracket(t.dims)}")
    for v in many if many is not None else [n.attrs["value"]]:
        if dtype == "bit" and v not in (0, 1) or dtype == "i32" and not (v == int(v) and -(1 << 31) <= v < 1 << 31):
            raise GraphError(f"{number(v)} is no {dtype}")
    return [t]


def iota(n: Node, env: Optional[Env]) -> list[Type]:
    """0, 1, ... along time or along the only dim."""
    dims, steps = n.attrs.get("dims", []), n.int("steps")
    if len(dims) > 1 or (steps > 0) == (len(dims) == 1):
        raise GraphError("wants either steps or one dim")
    return [Type(steps=steps, dims=tuple(dims))]


def random(n: Node, env: Optional[Env]) -> list[Type]:
    """Random numbers of a label."""
    return [Type("f32", n.int("steps"), n.flag("batch"), tuple(n.attrs["dims"]))]


def host(n: Node, env: Optional[Env]) -> list[Type]:
    """A number that the trainer knows."""
    if n.text("what") not in ("progress", "iteration", "variance"):
        raise GraphError(f"nobody knows {quote(n.text('what'))}; it is progress, iteration or variance")
    return [scalar()]


def count(n: Node, env: Optional[Env]) -> list[Type]:
    """How many elements lie along the axes."""
    without(n.inputs[0].type, n.attrs["axes"])
    return [scalar()]


# Shape.


def reshape(n: Node, env: Optional[Env]) -> list[Type]:
    """Other dims for as many elements."""
    t, dims = n.inputs[0].type, n.attrs["dims"]
    if any(not 1 <= d <= MAX_ELEMENTS for d in dims) or len(dims) > MAX_DIMS or product(dims) != t.size():
        raise GraphError(f"{t.size()} elements do not fit {bracket(dims)}")
    return [t.with_dims(*dims)]


def transpose(n: Node, env: Optional[Env]) -> list[Type]:
    """The dims in another order."""
    t, axes = n.inputs[0].type, n.attrs["axes"]
    if sorted(axes) != t.dim_axes():
        raise GraphError(f"axes {axes_text(axes)} are no permutation of the dims {bracket(t.dims)}")
    return [t.with_dims(*(t.dims[a] for a in axes))]


def slice_(n: Node, env: Optional[Env]) -> list[Type]:
    """Some of the elements along an axis."""
    start, length, old = n.int("start"), n.int("length"), 0

    def shorter(o: int) -> int:
        nonlocal old
        old = o
        return length

    t = resized(n.inputs[0].type, n.attrs["axis"], shorter)
    if start < 0 or length < 1 or length > old or start > old - length:
        raise GraphError(f"{length} from {start} lies outside {old}")
    return [t]


def pad(n: Node, env: Optional[Env]) -> list[Type]:
    """Zeros on both sides along an axis."""
    before, after = n.int("before"), n.int("after")
    if before < 0 or after < 0 or before > MAX_STEPS or after > MAX_STEPS:
        raise GraphError("negative or huge padding")
    return [resized(n.inputs[0].type, n.attrs["axis"], lambda o: o + before + after)]


def concat(n: Node, env: Optional[Env]) -> list[Type]:
    """Values one after another along an axis."""
    axis, types = n.attrs["axis"], types_of(n)
    out = resized(types[0], axis, lambda o: o)
    for t in types[1:]:
        if resized(t, axis, lambda o: 1).with_dtype("f32") != resized(out, axis, lambda o: 1).with_dtype("f32"):
            raise GraphError(f"{out} and {t} differ elsewhere than along axis {axis_text(axis)}")
        more = t.steps if axis == TIME else t.dims[axis]
        out = resized(out if t.dtype == out.dtype else out.with_dtype("f32"), axis, lambda o: o + more)
    return [out]


def repeat(n: Node, env: Optional[Env]) -> list[Type]:
    """Each element several times; a value without time or batch axis gets one."""
    t, times, axis = n.inputs[0].type, n.int("count"), n.attrs["axis"]
    if axis == BATCH:
        if t.batch:
            raise GraphError(f"{t} has a batch axis already")
        return [replace(t, batch=True)]
    if not 1 <= times <= MAX_STEPS:
        raise GraphError(f"count {times}")
    if axis == TIME and t.steps == 0:
        return [t.with_steps(times)]
    return [resized(t, axis, lambda o: o * times)]


def cast(n: Node, env: Optional[Env]) -> list[Type]:
    """Another element type."""
    dtype, t = n.text("dtype"), n.inputs[0].type
    if dtype not in ("f32", "bit", "i32") or t.dtype == "state":
        raise GraphError(f"no cast to {quote(dtype)}")
    return [t.with_dtype(dtype)]


# Reductions and picks.


def reduce(n: Node, env: Optional[Env]) -> list[Type]:
    """Axes that vanish."""
    axes, kind = n.attrs["axes"], n.text("kind")
    out = without(n.inputs[0].type, axes)
    if kind in ("argmax", "argmin"):
        if len(axes) != 1 or axes[0] == BATCH:
            raise GraphError(f"{kind} takes one axis, t or a dim")
        return [out.with_dtype("i32")]
    if kind not in ("sum", "mean", "max", "min"):
        raise GraphError(f"unknown kind {quote(kind)}")
    return [out]


def gather(n: Node, env: Optional[Env]) -> list[Type]:
    """x at an index along a dim, which vanishes."""
    (x, index), axis = types_of(n), n.attrs["axis"]
    if not 0 <= axis < len(x.dims):
        raise GraphError(f"{x} has no dim {axis_text(axis)}")
    rest = x.dims[:axis] + x.dims[axis + 1 :]
    if index.dtype != "i32" or index.dims != rest:
        raise GraphError(f"index {index}, want i32 of dims {bracket(rest)}")
    return [broadcast(x.with_dims(*rest), index)]


def scatter(n: Node, env: Optional[Env]) -> list[Type]:
    """The inverse of gather."""
    (index, y), axis, size = types_of(n), n.attrs["axis"], n.int("size")
    if index.dtype != "i32" or index.dims != y.dims:
        raise GraphError(f"index {index} does not fit {y}")
    if not 0 <= axis <= len(y.dims) or size < 1:
        raise GraphError(f"{y} cannot get a dim {axis_text(axis)} of {size}")
    out = broadcast(y, index).with_dtype("f32")
    return [out.with_dims(*y.dims[:axis], size, *y.dims[axis:])]


def rows(n: Node, env: Optional[Env]) -> list[Type]:
    """Rows of an unbatched table."""
    table, index = types_of(n)
    if table.steps > 0 or table.batch or not table.dims or index.dtype != "i32":
        raise GraphError(f"wants an unbatched table and an i32 index, got {table} and {index}")
    return [index.with_dtype("f32").with_dims(*index.dims, *table.dims[1:])]


def scatter_add(n: Node, env: Optional[Env]) -> list[Type]:
    """Sums per row, the derivative of rows."""
    index, y = types_of(n)
    fits = index.dims == y.dims[: len(index.dims)] and index.steps == y.steps and index.batch == y.batch
    if index.dtype != "i32" or not fits:
        raise GraphError(f"index {index} does not fit {y}")
    return [Type(dims=(n.int("size"), *y.dims[len(index.dims) :]))]


# Equations.


def _run(n: Node, types: Sequence[Type]) -> Type:
    e = n.equation
    if e is None:
        raise GraphError("no equation is given")
    flowing = len(e.inputs) + len(e.params)
    want = flowing + (len(e.states) if n.flag("state") else 0)
    if len(types) != want:
        more = 1 if n.op == "equation-gradient" else 0
        raise GraphError(f"{e.name} wants {want + more} inputs, got {len(n.inputs)}")
    out = Type()
    for i, t in enumerate(types):
        if t.dtype == "state":
            raise GraphError("state is not a number")
        if i >= flowing and t.steps > 0:
            raise GraphError(f"{t.with_dtype('f32')} for a state has a time axis")
        out = broadcast(out, t.with_dtype("f32"))
    steps = n.int("steps")
    if not 0 <= steps <= MAX_STEPS:
        raise GraphError(f"steps = {steps}")
    if out.steps == 0 and steps == 0:
        raise GraphError("nothing says how many time steps there are")
    if out.steps and steps not in (0, out.steps):
        raise GraphError(f"steps = {steps}, but the input has {out.steps}")
    return out.with_steps(out.steps or steps)


def equation(n: Node, env: Optional[Env]) -> list[Type]:
    """The step of an equation run over time."""
    t = _run(n, types_of(n))
    assert n.equation is not None
    emit = t.with_dtype("bit") if n.equation.spikes else t
    out = [emit.with_steps(0) if n.flag("last") else emit]
    return out + [t.with_steps(0)] * (len(n.equation.states) if n.flag("state") else 0)


def equation_gradient(n: Node, env: Optional[Env]) -> list[Type]:
    """The derivative of equation by what goes in."""
    types = types_of(n)
    t = _run(n, types[:-1])
    t = t.with_steps(0) if n.flag("last") else t
    if types[-1] != t:
        raise GraphError(f"gradient {types[-1]}, want {t}")
    return [x.with_dtype("f32") for x in types[:-1]]


# Opaque operators.


def opaque(n: Node, env: Optional[Env]) -> list[Type]:
    """The output, what is saved and, with ``state``, each state behind the last step."""
    o, types = n.opaque, types_of(n)
    if o is None:
        raise GraphError("no opaque operator is given")
    want = len(o.inputs) + (len(o.states) if n.flag("state") else 0)
    if len(types) != want:
        raise GraphError(f"{o.name} wants {want} inputs, got {len(types)}")
    t, steps = types[0].with_dtype("f32"), n.int("steps")
    if o.direction == "encode" and (not 1 <= steps <= MAX_STEPS or t.steps > 0):
        raise GraphError(f"{o.name} encodes {t} for {steps} time steps")
    if o.direction != "encode" and (steps != 0 or t.steps == 0):
        raise GraphError(f"{o.name} runs over the time steps of {t}, and is told {steps}")
    if not t.batch:
        raise GraphError(f"{o.name} wants examples, got {t}")
    for i, of in enumerate(types):
        own = i < len(o.inputs)
        like = t if own else t.with_steps(0)
        if of.with_dtype("f32") != like or of.dtype != "f32" and not (own and of.dtype == "bit"):
            raise GraphError(f"{o.name}: input {i} is {of}, want numbers of type {like}")
    if o.direction == "encode":
        t = t.with_steps(steps)
    y = t.with_dtype("bit") if o.spikes else t
    y = y.with_steps(0) if o.direction == "decode" else y
    return [y, *[t] * len(o.saved), *[t.with_steps(0)] * (len(o.states) if n.flag("state") else 0)]


def opaque_gradient(n: Node, env: Optional[Env]) -> list[Type]:
    """The gradient by each input, of what is saved and the gradient of the output."""
    o, types = n.opaque, types_of(n)
    if o is None:
        raise GraphError("no opaque operator is given")
    if not o.gradient:
        raise GraphError(f"{o.name} has no derivative")
    if len(types) != len(o.saved) + 1:
        raise GraphError(f"{o.name} saves {len(o.saved)} values, and {len(types) - 1} are given")
    steps, dy = n.int("steps"), types[-1]
    t = dy.with_steps(steps)
    for i, of in enumerate(types):
        like = t.with_steps(0) if i == len(o.saved) and o.direction == "decode" else t
        if of != like:
            raise GraphError(f"{o.name}: input {i} is {of}, want {like}")
    if dy.dtype != "f32" or not dy.batch or not 1 <= steps <= MAX_STEPS:
        raise GraphError(f"{o.name}: gradient {dy} over {steps} time steps")
    return [t.with_steps(0) if o.direction == "encode" else t] * len(o.inputs)


# Element-wise.


def unary(n: Node, env: Optional[Env]) -> list[Type]:
    """One number for each."""
    return _number(n.inputs[0].type)


def binary(n: Node, env: Optional[Env]) -> list[Type]:
    """One number for each pair."""
    return _number(broadcast(*types_of(n)))


def compare(n: Node, env: Optional[Env]) -> list[Type]:
    """Comparisons, and what makes bits of bits."""
    types = types_of(n)
    t = broadcast(*types) if len(types) == 2 else types[0]
    if n.op in ("and", "or", "not"):
        for x in types:
            if x.dtype != "bit":
                raise GraphError(f"wants bits, got {x}")
    if t.dtype == "state":
        raise GraphError("state is not a number")
    return [t.with_dtype("bit")]


def where(n: Node, env: Optional[Env]) -> list[Type]:
    """One of two, by a condition."""
    condition, a, b = types_of(n)
    if condition.dtype != "bit":
        raise GraphError(f"wants a condition of bits, got {condition}")
    t = broadcast(broadcast(a, b), condition)
    return [t.with_dtype(a.dtype if a.dtype == b.dtype else "f32")]


def spike(n: Node, env: Optional[Env]) -> list[Type]:
    """1 where left reaches right."""
    return [broadcast(n.inputs[0].type, n.inputs[1].type).with_dtype("bit")]


# In the functions of a Program.


def zero(n: Node, env: Optional[Env]) -> list[Type]:
    """The neuron states of a role before the first step."""
    return [state(n.text("role"))]


def assign(n: Node, env: Optional[Env]) -> list[Type]:
    """The next value of a variable."""
    t = _variable(n, env)
    if t != n.inputs[0].type:
        raise GraphError(f"{n.text('var')} is {t}, got {n.inputs[0].type}")
    return []


def apply(n: Node, env: Optional[Env]) -> list[Type]:
    """What a role makes of inputs, and its states where these are given."""
    role, mode = n.text("role"), n.text("mode")
    if mode not in ("train", "eval"):
        raise GraphError(f"mode {quote(mode)} is neither train nor eval")
    if env is None:
        raise GraphError("no roles here")
    signature = env.signature(role)
    if signature is None:
        raise GraphError(f"unknown role {quote(role)}")
    ins, outs, free = signature
    given = types_of(n)
    if n.flag("state"):
        if mode != "eval":
            raise GraphError("states are carried in eval mode only")
        if not given or given[-1] != state(role):
            raise GraphError(f"the last input must be state[{role}]")
        given = given[:-1]
    if len(given) != len(ins):
        raise GraphError(f"{role} takes {len(ins)} inputs, got {len(given)}")
    steps = example = 0
    for i, (want, got) in enumerate(zip(ins, given)):
        if free and want.steps > 0 and got.steps > 0:
            if steps not in (0, got.steps):
                raise GraphError(f"inputs of {role} have {steps} and {got.steps} time steps")
            steps, example = got.steps, want.steps
            want = want.with_steps(steps)
        if want.dtype == "f32" and got.dtype == "bit":  # a bit is a number
            want = want.with_dtype("bit")
        if got != want:
            raise GraphError(f"input {i + 1} of {role} is {want}, got {got}")
    out = [t.with_steps(steps) if free and t.steps > 0 and t.steps == example else t for t in outs]
    return out + [state(role)] if n.flag("state") else out


def call(n: Node, env: Optional[Env]) -> list[Type]:
    """What a function makes of inputs; custom brings its own derivative."""
    name = n.text("function")
    f = env.function_named(name) if env else None
    if env is None or f is None:
        raise GraphError(f"unknown function {quote(name)}")
    if len(f.inputs) != len(n.inputs):
        raise GraphError(f"{name} takes {len(f.inputs)} inputs, got {len(n.inputs)}")
    for i, (want, got) in enumerate(zip(f.inputs, n.inputs)):
        if want.out[0] != got.type:
            raise GraphError(f"input {i + 1} of {name} is {want.out[0]}, got {got.type}")
    out = [o.value.type for o in f.outputs]
    if n.op == "custom":
        back = n.text("backward")
        b = env.function_named(back)
        if b is None:
            raise GraphError(f"unknown function {quote(back)}")
        k = len(n.inputs)
        if len(b.inputs) != k + 2 * len(out) or len(b.outputs) != k:
            raise GraphError(
                f"{back} must take the {k} inputs, {len(out)} outputs and as many gradients, and give {k} gradients"
            )
    return out


def grad(n: Node, env: Optional[Env]) -> list[Type]:
    """The derivative of a scalar by values."""
    types = types_of(n)
    if types[0] != scalar():
        raise GraphError(f"wants a scalar f32[], got {types[0]}")
    return [t.with_dtype("f32") for t in types[1:]]
