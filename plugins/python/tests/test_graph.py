"""Graphs: the builder, the shape rules, the text form. What the host's reader says of texts is held by the tests in Go."""

import dataclasses
import math
import unittest

from snnc.graph import (
    Builder,
    Equation,
    GraphError,
    Init,
    Module,
    Opaque,
    Type,
    Value,
    Variable,
    integer,
    parse,
    parse_type,
    print_module,
    real,
    scalar,
    signal,
    spikes,
    state,
    wire,
)
from snnc.graph.literals import number, quote


def module(b: Builder, **parts: list) -> str:  # type: ignore[type-arg]
    return print_module(Module(functions=[b.finish()], **parts))


class TextTest(unittest.TestCase):
    def test_numbers(self) -> None:
        """As Go's strconv.FormatFloat(v, 'g', -1, 64) writes them."""
        for v, want in (
            (0, "0"), (-0.0, "-0"), (1, "1"), (0.1, "0.1"), (100000, "100000"), (123456, "123456"), (1e6, "1e+06"),
            (1234567.5, "1.2345675e+06"), (2.5e10, "2.5e+10"), (1e22, "1e+22"), (1e-4, "0.0001"), (1e-5, "1e-05"),
            (1.23e-5, "1.23e-05"), (100000.5, "100000.5"), (5e-324, "5e-324"), (1e-12, "1e-12"), (-2.5, "-2.5"), (1e300, "1e+300"),
        ):  # fmt: skip
            self.assertEqual(number(v), want)
            self.assertEqual(float(want), v)

    def test_strings(self) -> None:
        for s, want in (
            ('a"b', r'"a\"b"'),
            ("a\\", r'"a\\"'),
            ("\n\x01\x7f", r'"\n\x01\x7f"'),
            ("ä", '"ä"'),
            ("\u2028", r'"\u2028"'),
        ):
            self.assertEqual(quote(s), want)
            text = f"graph 1\n\nvariable {want} f32[] parameter constant(0.0, 0.0)\n"
            self.assertEqual(parse(text).variables[0].name, s)

    def test_types(self) -> None:
        for t, text in (
            (scalar(), "f32[]"), (real(1, 28, 28), "f32[N 1 28 28]"), (signal(4, 3), "f32[T4 N 3]"), (spikes(2), "bit[T2 N]"),
            (integer(), "i32[N]"), (state("prior"), "state[prior]"), (Type(dims=(3, 4)), "f32[3 4]"), (Type(steps=5), "f32[T5]"),
        ):  # fmt: skip
            self.assertEqual(str(t), text)
            self.assertEqual(parse_type(text), t)
        for text in (
            "f32",
            "f32[",
            "f32[0]",
            "f64[]",
            "f32[N T4]",
            "f32[3 N]",
            "f32[N N]",
            "f32[1 1 1 1 1 1 1]",
            "f32[65536 65536]",
            "f32[] f32[]",
        ):
            with self.subTest(text), self.assertRaises(GraphError):
                parse_type(text)

    def test_wires(self) -> None:
        for t, text in (
            (real(1, 8, 8), "real[1, 8, 8]"), (spikes(4, 32), "spikes[32]"), (signal(4, 2), "signal[2]"), (integer(), "int"),
            (integer().with_dims(7, 7), "tokens[7, 7]"),
        ):  # fmt: skip
            self.assertEqual(wire(t), text)


class BuilderTest(unittest.TestCase):
    def test_operators(self) -> None:
        b = Builder("f")
        x, y = b.input("x", real(2)), b.input("y", spikes(3, 2))
        z = 1 - x * y / 2
        b.output("z", b.where((z < 0) | ~(y & (x >= y)), -z, b.max(z, 0.5)))
        self.assertEqual(
            module(b),
            """graph 1

function f(x: f32[N 2], y: bit[T3 N 2]) {
  %0 = mul %x %y : f32[T3 N 2]
  %1 = constant value=2.0 : f32[]
  %2 = div %0 %1 : f32[T3 N 2]
  %3 = constant value=1.0 : f32[]
  %4 = sub %3 %2 : f32[T3 N 2]
  %5 = constant value=0.0 : f32[]
  %6 = lt %4 %5 : bit[T3 N 2]
  %7 = ge %x %y : bit[T3 N 2]
  %8 = and %y %7 : bit[T3 N 2]
  %9 = not %8 : bit[T3 N 2]
  %10 = or %6 %9 : bit[T3 N 2]
  %11 = neg %4 : f32[T3 N 2]
  %12 = constant value=0.5 : f32[]
  %13 = max %4 %12 : f32[T3 N 2]
  %14 = where %10 %11 %13 : f32[T3 N 2]
  return z = %14
}
""",
        )

    def test_what_nothing_needs_is_left_out(self) -> None:
        m = Module([Variable("count", scalar(), kind="state")])
        b = Builder("f", m)
        b.exp(b.const(3))
        x = b.input("x", real())
        b.assign("count", b.mean(x))
        b.output("y", x)
        m.functions.append(b.finish())
        self.assertEqual([n.op for n in m.functions[0].nodes], ["input", "reduce", "assign"])
        self.assertEqual(print_module(parse(print_module(m))), print_module(m))

    def test_expand(self) -> None:
        b = Builder("f")
        v = b.expand(b.reshape(b.input("x", real()), 1), signal(4, 3, 2))
        b.output("y", v)
        self.assertEqual(v.type, signal(4, 3, 2))
        ops = [n.op for n in b.finish().nodes]
        self.assertEqual(ops, ["input", "reshape", "reshape", "repeat", "repeat", "repeat"])

    def test_attributes_of_other_libraries(self) -> None:
        """A number of numpy, a tuple, an axis by its name: all become what the text form has."""
        import numpy as np

        b = Builder("f")
        x = b.input("x", signal(4, 3))
        b.output(
            "y", b.slice(x, "t", np.int64(1), np.int32(2)) * b.constants(np.ones(3, np.float32), 3) + np.float32(0.5)
        )
        b.output("z", b.sum(x, "t", "n"))
        text = module(b)
        for part in ("axis=t length=2 start=1", "dims=[3] values=[1.0 1.0 1.0]", "value=0.5", 'axes=[t n] kind="sum"'):
            self.assertIn(part, text)

    def test_mistakes_are_told_at_once(self) -> None:
        m = Module([Variable("w", Type(dims=(2, 3)))])
        b = Builder("f", m)
        x = b.input("x", real(3))
        for f, says in (
            (lambda: b.read("v"), 'read: unknown variable "v"'),
            (lambda: b.matmul(x, b.read("w")), "matmul: f32[N 3] has 3 columns, f32[2 3] wants 2"),
            (lambda: b.op("matmul", x), "matmul: wrong number of inputs: 1"),
            (lambda: b.op("square", x), 'unknown operator "square"'),
            (lambda: b.op("reduce", x, kind="sum"), "reduce: attribute axes is missing"),
            (lambda: b.op("exp", x, base=2), "exp: unknown attribute base"),
            (lambda: b.const(math.nan), "constant: attribute value: want real, got nan"),
            (lambda: b.repeat(x, 0, 1 << 30), "repeat: count 1073741824"),
            (lambda: b.reshape(x, 2, 2), "reshape: 3 elements do not fit [2 2]"),
            (lambda: b.op("apply", x, role="r", mode="train"), 'apply: unknown role "r"'),
            (lambda: b.reduce("sum", x, 0, "n"), "reduce: axes [0 n] are not in the order t, n, 0, 1, ..."),
            (lambda: x & x, "and: wants bits, got f32[N 3]"),
            (lambda: b.add(Builder("g").const(1), x), "a value of g is used in f"),
        ):
            with self.subTest(says), self.assertRaises(GraphError) as e:
                f()
            self.assertEqual(str(e.exception), says)
        with self.assertRaises(TypeError):
            bool(x < 1)

    def test_equation(self) -> None:
        s = Builder("step")
        x, v = s.input("x", scalar()), s.input("v", scalar())
        u = v * 0.5 + x
        spike = s.op("spike", u, 1.0, 0.5)
        s.output("emit", spike)
        s.output("v", s.where(spike, 0, u))
        e = Equation("n", s.finish(), inputs=["x"], states={"v": 0}, spikes=True)
        e.verify()
        b = Builder("f")
        x = b.input("x", signal(4, 3))
        self.assertEqual([v.type for v in b.equation(e, x)], [spikes(4, 3)])
        self.assertEqual([v.type for v in b.equation(e, x, b.const(0), state=True)], [spikes(4, 3), real(3)])
        self.assertEqual([v.type for v in b.equation(e, x, last=True)], [spikes(0, 3)])
        text = module(Builder("empty"), equations=[e])
        self.assertEqual(print_module(parse(text)), text)
        e.spikes = False
        with self.assertRaises(GraphError):
            e.verify()

    def test_opaque(self) -> None:
        o = Opaque("o", "acme/leap", "leap", "1.0", spikes=True, gradient=True, states={"v": 0.5}, saved=["u"])
        m = Module(opaques=[o])
        b = Builder("f", m)
        x = b.input("x", signal(4, 3))
        spikes_out, saved, behind = b.opaque(o, x, b.input("v", real(3)), state=True, label="a")
        self.assertEqual([v.type for v in (spikes_out, saved, behind)], [spikes(4, 3), signal(4, 3), real(3)])
        (dx,) = b.opaque(o, saved, x, op="opaque-gradient", steps=4)
        b.output("y", spikes_out)
        b.output("v", behind)
        b.output("dx", dx)
        m.functions.append(b.finish())
        text = print_module(m)
        self.assertIn('  %0 = opaque "o" %x %v label="a" state=true : bit[T4 N 3] f32[T4 N 3] f32[N 3]\n', text)
        self.assertEqual(print_module(parse(text)), text)
        with self.assertRaisesRegex(GraphError, "opaque: o wants 1 inputs, got 2"):
            b.opaque(o, x, x)
        for wrong in (
            {"once": True, "spikes": False},
            {"gradient": False},
            {"states": {"x": 1}},
            {"arguments": "[]"},
            {"inputs": []},
        ):
            with self.subTest(wrong), self.assertRaises(GraphError):
                dataclasses.replace(o, **wrong).verify()

    def test_inline_at_other_steps(self) -> None:
        g = parse(
            'graph 1\n\nfunction f(x: f32[T4 N 3]) free-steps {\n  %0 = reduce %x axes=[t] kind="sum" : f32[N 3]\n  %1 = add %x %0 : f32[T4 N 3]\n  return y = %1\n}\n'
        )
        b = Builder("h")
        x = b.input("x", signal(2, 3))

        def twice(n, inputs):  # type: ignore[no-untyped-def]
            return [b.neg(inputs[0])] if n.op == "reduce" else None

        (y,) = b.inline(g.functions[0], [x])
        self.assertEqual(y.type, signal(2, 3))
        (z,) = b.inline(g.functions[0], [x], twice)
        b.output("y", y)
        b.output("z", z)
        self.assertEqual([n.op for n in b.finish().nodes], ["input", "reduce", "add", "neg", "add"])

    def test_variables(self) -> None:
        for v, says in (
            (Variable("w", real(2)), "no time and no batch axis"),
            (Variable("w", Type("i32")), "a variable is f32"),
            (Variable("w", Type(), Init("zeros")), "unknown start"),
            (Variable("w", Type(), Init("sinusoid", 10)), "no rows and columns"),
            (Variable("w", Type(), kind="trained"), "unknown kind"),
            (Variable("w", Type(), Init("normal", 0, math.inf)), "finite"),
        ):
            with self.subTest(says), self.assertRaises(GraphError) as e:
                v.verify()
            self.assertIn(says, str(e.exception))

    def test_value_is_hashable(self) -> None:
        v: Value = Builder("f").const(1)
        self.assertEqual(len({v, v}), 1)
