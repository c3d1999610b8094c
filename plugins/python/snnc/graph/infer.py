"""The table of operators, and what a node's results are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional

from . import layers, rules
from .literals import quote
from .module import Env, Node
from .shape import GraphError, Type, possible

Rule = Callable[[Node, Optional[Env]], "list[Type]"]


@dataclass(frozen=True)
class Operator:
    """A row of the table: how many inputs (most -1: any number), attributes (a leading ``?``: optional), the rule."""

    least: int
    most: int
    attrs: Mapping[str, str]
    infer: Rule


def _table() -> dict[str, Operator]:
    t: dict[str, Operator] = {}

    def row(op: str, least: int, most: int, rule: Rule, attrs: str = "") -> None:
        t[op] = Operator(least, most, dict(a.split("=") for a in attrs.split()), rule)

    # Sources.
    row("input", 0, 0, rules.input_, "name=string type=type")
    row("read", 0, 0, rules.read, "var=string average=?bool frozen=?bool")
    row("constant", 0, 0, rules.constant, "value=?real values=?reals dims=?ints dtype=?string")
    row("iota", 0, 0, rules.iota, "steps=?int dims=?ints")
    for op in ("uniform", "normal"):
        row(op, 0, 0, rules.random, "label=string steps=?int batch=?bool dims=ints")
    row("host", 0, 0, rules.host, "what=string")
    row("count", 1, 1, rules.count, "axes=axes")
    # Shape.
    row("reshape", 1, 1, rules.reshape, "dims=ints")
    row("transpose", 1, 1, rules.transpose, "axes=axes")
    row("slice", 1, 1, rules.slice_, "axis=axis start=int length=int")
    row("pad", 1, 1, rules.pad, "axis=axis before=int after=int")
    row("concat", 1, -1, rules.concat, "axis=axis")
    row("repeat", 1, 1, rules.repeat, "axis=axis count=?int")
    row("cast", 1, 1, rules.cast, "dtype=string")
    # Reductions and picks.
    row("reduce", 1, 1, rules.reduce, "kind=string axes=axes")
    row("gather", 2, 2, rules.gather, "axis=axis")
    row("scatter", 2, 2, rules.scatter, "axis=axis size=int")
    row("rows", 2, 2, rules.rows)
    row("scatter-add", 2, 2, rules.scatter_add, "size=int")
    # Products, pools and normalisation.
    row("matmul", 2, 2, layers.matmul, "transpose=?bool")
    row("matmul-gradient", 2, 2, layers.matmul_gradient, "transpose=?bool")
    row("conv", 2, 2, layers.conv, "stride=int pad=int")
    row("conv-input-gradient", 2, 2, layers.conv_input_gradient, "stride=int pad=int height=int width=int")
    row("conv-weight-gradient", 2, 2, layers.conv_weight_gradient, "stride=int pad=int kernel=int")
    row("max-pool", 1, 1, layers.max_pool, "kernel=int stride=int")
    row("max-pool-gradient", 2, 2, layers.max_pool_gradient, "kernel=int stride=int")
    row("normalise", 1, 1, layers.normalise, "axes=axes epsilon=real")
    row("normalise-gradient", 3, 3, layers.normalise_gradient, "axes=axes epsilon=real")
    run = "steps=?int last=?bool state=?bool label=?string"
    row("equation", 0, -1, rules.equation, run)
    row("equation-gradient", 0, -1, rules.equation_gradient, run)
    row("opaque", 1, -1, rules.opaque, "steps=?int state=?bool label=?string")
    row("opaque-gradient", 1, -1, rules.opaque_gradient, "steps=int")
    # Element-wise.
    for op in "add sub mul div pow min max".split():
        row(op, 2, 2, rules.binary)
    for op in "neg abs sign exp log sqrt tanh sigmoid sin cos round floor".split():
        row(op, 1, 1, rules.unary)
    for op in "lt le gt ge eq ne and or".split():
        row(op, 2, 2, rules.compare)
    row("not", 1, 1, rules.compare)
    row("where", 3, 3, rules.where)
    row("stop", 1, 1, rules.same)
    # In the step of an equation.
    row("spike", 3, 3, rules.spike, "strict=?bool")
    row("time", 0, 0, rules.one_number)
    row("steps", 0, 0, rules.one_number)
    # In the functions of a Program.
    row("apply", 0, -1, rules.apply, "role=string mode=string average=?bool frozen=?bool state=?bool gate=?string")
    row("zero", 0, 0, rules.zero, "role=string")
    row("assign", 1, 1, rules.assign, "var=string")
    row("call", 0, -1, rules.call, "function=string")
    row("custom", 0, -1, rules.call, "function=string backward=string")
    row("grad", 2, -1, rules.grad)
    return t


#: Every operator by its name.
OPERATORS: Mapping[str, Operator] = _table()


def infer(node: Node, env: Optional[Env]) -> list[Type]:
    """Checks inputs and attributes of a node, and returns the types of its results."""
    op = node.op
    spec = OPERATORS.get(op)
    if spec is None:
        raise GraphError(f"unknown operator {quote(op)}")
    if len(node.inputs) < spec.least or 0 <= spec.most < len(node.inputs):
        raise GraphError(f"{op}: wrong number of inputs: {len(node.inputs)}")
    for name, value in node.attrs.items():
        kind = spec.attrs.get(name)
        if kind is None:
            raise GraphError(f"{op}: unknown attribute {name}")
        if not _holds(kind.lstrip("?"), value):
            raise GraphError(f"{op}: attribute {name}: want {kind.lstrip('?')}, got {value!r}")
    for name, kind in sorted(spec.attrs.items()):
        if name not in node.attrs and not kind.startswith("?"):
            raise GraphError(f"{op}: attribute {name} is missing")
    try:
        out = spec.infer(node, env)
    except GraphError as e:
        raise GraphError(f"{op}: {e}") from None
    for t in out:
        if not possible(t):
            raise GraphError(f"{op}: impossible type {t}")
    return out


def _whole(v: Any) -> bool:
    return isinstance(v, int) and not isinstance(v, bool)


def _finite(v: Any) -> bool:
    return isinstance(v, float) and math.isfinite(v)


def _holds(kind: str, v: Any) -> bool:
    if kind in ("int", "axis"):
        return _whole(v)
    if kind in ("ints", "axes"):
        return isinstance(v, list) and all(_whole(x) for x in v)
    if kind == "real":
        return _finite(v)
    if kind == "reals":
        return isinstance(v, list) and all(_finite(x) for x in v)
    return isinstance(v, {"string": str, "bool": bool, "type": Type}[kind])
