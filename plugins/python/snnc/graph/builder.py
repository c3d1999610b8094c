"""The builder: makes a graph node by node, as one traces a function. Nothing is computed."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional, Sequence, Union

from .infer import OPERATORS, infer
from .module import Env, Equation, Graph, Node, Opaque, Output, Value
from .shape import BATCH, TIME, AxisLike, GraphError, Type, axis_of

#: What an operand may be: a value of the graph, or a number, which becomes a constant.
Operand = Union[Value, float]


class Builder:
    """Makes a graph whose variables, roles and functions ``env`` resolves. What is wrong raises GraphError at once."""

    def __init__(self, name: str, env: Optional[Env] = None) -> None:
        self.graph = Graph(name)
        self._env = env

    def finish(self) -> Graph:
        """The graph: inputs come first, and nodes that no output needs are removed."""
        self.graph.nodes.sort(key=lambda n: n.op != "input")
        self.graph.prune()
        return self.graph

    def input(self, name: str, t: Type) -> Value:
        """A parameter of the function."""
        n = self._node("input", {"name": name, "type": t}, [])
        self.graph.inputs.append(n)
        return Value(n, 0, self)

    def output(self, name: str, value: Operand) -> None:
        """Names a value as a result of the function."""
        self.graph.outputs.append(Output(name, self.value(value)))

    def value(self, x: Operand) -> Value:
        """x where it is a value of this graph, a constant where it is a number."""
        if not isinstance(x, Value):
            return self.const(float(x))
        if x.builder is not self:
            raise GraphError(f"a value of {x.builder.graph.name} is used in {self.graph.name}")
        return x

    def op(self, op: str, *inputs: Operand, **attrs: Any) -> Value:
        """Adds a node and returns its first result. A list of numbers or axes may be any sequence, an axis "t" or "n"."""
        return self.ops(op, *inputs, **attrs)[0]

    def ops(self, op: str, *inputs: Operand, **attrs: Any) -> list[Value]:
        """Adds a node and returns all its results."""
        n = self._node(op, attrs, [self.value(x) for x in inputs])
        return [Value(n, i, self) for i in range(len(n.out))]

    def equation(self, e: Equation, *inputs: Operand, op: str = "equation", **attrs: Any) -> list[Value]:
        """Adds an equation, or with ``op = "equation-gradient"`` its derivative, and returns all its results."""
        n = self._node(op, attrs, [self.value(x) for x in inputs], e)
        return [Value(n, i, self) for i in range(len(n.out))]

    def opaque(self, o: Opaque, *inputs: Operand, op: str = "opaque", **attrs: Any) -> list[Value]:
        """Adds an opaque operator, or with ``op = "opaque-gradient"`` its derivative, and returns all its results.

        Those are the output, what is saved, and with ``state = True``, where the states at the beginning follow the
        inputs, the states behind the last step.
        """
        n = self._node(op, attrs, [self.value(x) for x in inputs], o)
        return [Value(n, i, self) for i in range(len(n.out))]

    def assign(self, variable: str, value: Operand) -> None:
        """Makes a value the next one of a variable."""
        self._node("assign", {"var": variable}, [self.value(value)])

    def _node(
        self, op: str, attrs: Mapping[str, Any], inputs: list[Value], of: Union[Equation, Opaque, None] = None
    ) -> Node:
        spec = OPERATORS.get(op)
        kinds = spec.attrs if spec else {}
        n = Node(op, inputs, {k: _coerce(kinds.get(k, ""), v) for k, v in attrs.items()}, of=of)
        n.out = infer(n, self._env)
        self.graph.nodes.append(n)
        return n

    # Sources.

    def const(self, v: float) -> Value:
        """A number."""
        return self.op("constant", value=v)

    def constants(self, values: Sequence[float], *dims: int) -> Value:
        """Numbers of the given dims, in row-major order."""
        return self.op("constant", values=values, dims=dims)

    def read(self, variable: str, **how: bool) -> Value:
        """A variable; ``average`` for its average, ``frozen`` without its gradient."""
        return self.op("read", var=variable, **how)

    # Element-wise.

    def add(self, x: Operand, y: Operand) -> Value:
        """x + y"""
        return self.op("add", x, y)

    def sub(self, x: Operand, y: Operand) -> Value:
        """x - y"""
        return self.op("sub", x, y)

    def mul(self, x: Operand, y: Operand) -> Value:
        """x y"""
        return self.op("mul", x, y)

    def div(self, x: Operand, y: Operand) -> Value:
        """x / y"""
        return self.op("div", x, y)

    def neg(self, x: Operand) -> Value:
        """-x"""
        return self.op("neg", x)

    def scale(self, x: Operand, by: float) -> Value:
        """x times a number."""
        return self.mul(x, by)

    def max(self, x: Operand, y: Operand) -> Value:
        """The greater one of each pair."""
        return self.op("max", x, y)

    def min(self, x: Operand, y: Operand) -> Value:
        """The smaller one of each pair."""
        return self.op("min", x, y)

    def abs(self, x: Operand) -> Value:
        """The size of x."""
        return self.op("abs", x)

    def exp(self, x: Operand) -> Value:
        """e to the x."""
        return self.op("exp", x)

    def log(self, x: Operand) -> Value:
        """The natural logarithm of x."""
        return self.op("log", x)

    def sqrt(self, x: Operand) -> Value:
        """The square root of x."""
        return self.op("sqrt", x)

    def tanh(self, x: Operand) -> Value:
        """The hyperbolic tangent of x."""
        return self.op("tanh", x)

    def sigmoid(self, x: Operand) -> Value:
        """1 / (1 + exp(-x))"""
        return self.op("sigmoid", x)

    def sin(self, x: Operand) -> Value:
        """The sine of x."""
        return self.op("sin", x)

    def cos(self, x: Operand) -> Value:
        """The cosine of x."""
        return self.op("cos", x)

    def round(self, x: Operand) -> Value:
        """x to the nearest whole number, halves to the even one."""
        return self.op("round", x)

    def floor(self, x: Operand) -> Value:
        """The whole number at or below x."""
        return self.op("floor", x)

    def equal(self, x: Operand, y: Operand) -> Value:
        """Bits, 1 where x and y are equal; the other comparisons are ``< <= > >=``."""
        return self.op("eq", x, y)

    def where(self, condition: Value, a: Operand, b: Operand) -> Value:
        """a where the condition's bit is 1, else b."""
        return self.op("where", condition, a, b)

    def stop(self, x: Operand) -> Value:
        """x without its gradient."""
        return self.op("stop", x)

    # Shape.

    def cast(self, x: Operand, dtype: str) -> Value:
        """x with elements of another type, f32, bit or i32; what is no whole number is cut off."""
        return self.op("cast", x, dtype=dtype)

    def reshape(self, x: Operand, *dims: int) -> Value:
        """x with other dims, in channels-first order."""
        return self.op("reshape", x, dims=dims)

    def slice(self, x: Operand, axis: AxisLike, start: int, length: int) -> Value:
        """``length`` elements of x along an axis from ``start`` on."""
        return self.op("slice", x, axis=axis, start=start, length=length)

    def concat(self, axis: AxisLike, *values: Operand) -> Value:
        """Values one after another along an axis."""
        return self.op("concat", *values, axis=axis)

    def repeat(self, x: Operand, axis: AxisLike, count: Optional[int] = None) -> Value:
        """Each element several times; along "t" or "n" of a value without that axis, it gets one."""
        return self.op("repeat", x, axis=axis, **({} if count is None else {"count": count}))

    def matmul(self, a: Operand, b: Operand, transpose: bool = False) -> Value:
        """a[k] or a[m k] times b[k n], or b[n k] if transposed."""
        return self.op("matmul", a, b, **({"transpose": True} if transpose else {}))

    def expand(self, x: Operand, t: Type) -> Value:
        """x repeated to type t, whose dims are those of x or others where x has length 1."""
        x = self.value(x)
        have = x.type
        if have == t:
            return x
        if have.dims != t.dims:
            dims = have.dims + (1,) * (len(t.dims) - len(have.dims))
            if dims != have.dims:
                x = self.reshape(x, *dims)
            for i, d in enumerate(dims):
                if d == 1 and t.dims[i] > 1:
                    x = self.repeat(x, i, t.dims[i])
        if t.batch and not have.batch:
            x = self.repeat(x, BATCH)
        if t.steps > 0 and have.steps == 0:
            x = self.repeat(x, TIME, t.steps)
        return x

    # Reductions.

    def reduce(self, kind: str, x: Operand, *axes: AxisLike) -> Value:
        """x without axes, by kind sum, mean, max, min, argmax or argmin; x itself where no axis is named."""
        x = self.value(x)
        return self.op("reduce", x, kind=kind, axes=axes) if axes else x

    def sum(self, x: Operand, *axes: AxisLike) -> Value:
        """The sum of x over axes, without any over all of them."""
        x = self.value(x)
        return self.reduce("sum", x, *(axes or x.type.all_axes()))

    def mean(self, x: Operand, *axes: AxisLike) -> Value:
        """The mean of x over axes, without any over all of them."""
        x = self.value(x)
        return self.reduce("mean", x, *(axes or x.type.all_axes()))

    def inline(
        self,
        graph: Graph,
        inputs: Sequence[Value],
        replace: Optional[Callable[[Node, list[Value]], Optional[list[Value]]]] = None,
    ) -> list[Value]:
        """Adds the nodes of a graph with its inputs replaced, and returns its outputs.

        Types are inferred anew, so a graph of free steps takes inputs of any number of steps. ``replace`` may add a
        node in its own way: it gets the node and its inputs here and returns its results, or None to have it added as
        it is.
        """
        if len(inputs) != len(graph.inputs):
            raise GraphError(f"{graph.name} takes {len(graph.inputs)} inputs, got {len(inputs)}")
        to = {id(n): [v] for n, v in zip(graph.inputs, inputs)}
        for n in graph.nodes:
            if n.op == "input":
                continue
            args = [to[id(v.node)][v.index] for v in n.inputs]
            got = replace(n, args) if replace else None
            if got is None:
                m = self._node(n.op, n.attrs, args, n.of)
                got = [Value(m, i, self) for i in range(len(m.out))]
            to[id(n)] = got
        return [to[id(o.value.node)][o.value.index] for o in graph.outputs]


def _coerce(kind: str, v: Any) -> Any:
    """What a caller gives for an attribute as the attribute's kind; what cannot be is left to the table's check."""
    kind = kind.lstrip("?")
    if kind == "real" and not isinstance(v, (str, bool)):
        return float(v)
    if kind == "reals":
        return [float(x) for x in v]
    if kind == "ints":
        return [_index(x) for x in v]
    if kind == "axis":
        return axis_of(_index(v))
    if kind == "axes":
        return [axis_of(_index(x)) for x in v]
    return _index(v) if kind == "int" else v


def _index(v: Any) -> Any:
    """A whole number of any library as an int."""
    return v.__index__() if hasattr(v, "__index__") and not isinstance(v, bool) else v
