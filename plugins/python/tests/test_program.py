"""Programs: the builder and what holds of them."""

import unittest

import snnc
from snnc import Function, GraphError, Mode, Network, ProgramBuilder, Role, Sampler, Step, integer, real, scalar, signal
from snnc.program import parse_program, print_program
from snnc.schema import Arguments, Value

NET = Network(
    "net",
    "walk",
    """graph 1

function train(x: f32[T4 N 2]) free-steps {
  %0 = neg %x : f32[T4 N 2]
  return y = %0
}

function eval(x: f32[T4 N 2]) free-steps {
  %0 = neg %x : f32[T4 N 2]
  return y = %0
}
""",
)


class ProgramTest(unittest.TestCase):
    def test_roles_work_at_any_number_of_steps(self) -> None:
        b = ProgramBuilder([NET])
        self.assertEqual(b.role("net"), Role("net", "network", [signal(4, 2)], [signal(4, 2)], True))

        def f(f: Function) -> None:
            x = f.input("x", signal(7, 2))
            y, after = f.apply("net", f.step(x, 0), mode=Mode(eval=True, state=f.zero("net")))
            (z,) = f.apply("net", f.join(y, x), mode=Mode(frozen=True, gate="open"))
            f.output("z", z)
            f.output("after", after)

        b.function("f", f)
        text = b.finish()
        self.assertIn('%2 = apply %0 %1 mode="eval" role="net" state=true : f32[T1 N 2] state[net]', text)
        self.assertIn('apply %3 frozen=true gate="open" mode="train" role="net" : f32[T8 N 2]', text)
        self.assertEqual(print_program(parse_program(text)), text)

    def test_loss(self) -> None:
        b = ProgramBuilder()
        terms = Value(
            "terms", items=[Value(text="a", weight=1), Value(text="b", weight=0.5), Value(text="a", weight=2)]
        )
        b.function("f", lambda f: f.loss(terms, {"a": lambda _: f.const(1), "b": lambda _: f.const(2)}))
        names = [o.name for o in b.program.functions[0].outputs]
        self.assertEqual(names, ["total", "a", "b", "a2"])
        with self.assertRaisesRegex(GraphError, 'unknown term "a" of the loss'):
            b.function("g", lambda f: f.loss(terms, {}))

    def test_compositions(self) -> None:
        b = ProgramBuilder()

        def f(f: Function) -> None:
            x = f.input("x", real(3, 2))
            f.output("softmax", f.log_softmax(x))
            f.output("index", f.random_int("i", integer().with_dtype("f32"), 5))
            f.output("hot", f.one_hot(f.input("y", integer()), 4))
            f.output("bits", f.zeros(snnc.spikes(2, 3)))
            f.output("same", f.clip(x, (float("-inf"), float("inf"))))
            f.output("trace", f.run(b.trace("trace", 4), f.input("s", snnc.spikes(2, 3))))

        b.function("f", f)
        out = {o.name: o.value.type for o in b.program.functions[0].outputs}
        self.assertEqual(
            out,
            {
                "softmax": real(3, 2), "index": integer(), "hot": real(4), "bits": snnc.spikes(2, 3), "same": real(3,
                2), "trace": signal(2, 3),
            },
        )  # fmt: skip
        self.assertEqual(print_program(parse_program(b.finish())), b.finish())

    def sampler(self, s: Sampler) -> ProgramBuilder:
        b = ProgramBuilder()
        b.function("start", lambda f: f.output("x", f.normal("x", real(2))))
        b.function("turn", turn)
        b.function(
            "end", lambda f: f.output("image", f.input("x", real(2)) + f.sum(f.input("seen", signal(3, 2)), "t"))
        )
        b.sampler(s)
        return b

    def test_sampler(self) -> None:
        rows = [[0.1], [0.2], [1e-7]]
        text = self.sampler(Sampler("s", "end", "start", "turn", 3, columns=["h"], table=rows)).finish()
        self.assertIn("  loop turn 3\n  result end\n  columns(h)\n  row 0.1\n  row 0.2\n  row 1e-07\n", text)
        self.assertEqual(print_program(parse_program(text)), text)
        for s, says in (
            (Sampler("s", "end", "start", "turn", 2, columns=["h"], table=rows), "3 rows for 2 turns"),
            (Sampler("s", "end", "start", "turn", 0, columns=["h"], table=[]), "0 turns"),
            (Sampler("s", "end", "start", "turn", 3), "turn takes h: f32[], which nothing gives"),
            (
                Sampler("s", "end", "start", "turn", 1, columns=["h"], table=[[1, 2]]),
                "row 0 has 2 numbers for 1 columns",
            ),
            (
                Sampler("s", "end", "start", "turn", 2, columns=["h"], table=rows[:2]),
                "seen: f32[T3 N 2], which nothing gives",
            ),
            (Sampler("s", "nowhere"), "unknown function nowhere"),
            (Sampler("s", "end", "start", given=["x"]), "x is given and carried"),
            (Sampler("s", "end", given=["y", "y"]), "given y stands twice"),
        ):
            with self.subTest(says), self.assertRaises(GraphError) as e:
                self.sampler(s).finish()
            self.assertIn(says, str(e.exception))

    def test_stages(self) -> None:
        def make(**how: object) -> str:
            stream, step = str(how.pop("stream", "images")), {"function": "f", "moves": ["net"], **how}
            b = ProgramBuilder([NET])
            b.function("f", lambda f: f.output("total", f.mean(f.input("image", real(2)))))
            b.function("g", lambda f: f.output("total", f.input("image", real(2))))
            b.stream("images", "image")
            b.stage("train", stream, Step(**step))  # type: ignore[arg-type]
            return b.finish()

        self.assertIn('  step f every 1 batch slot "" moves("net")\n', make())
        self.assertIn('  step f every 2 epoch slot "a" moves()\n', make(slot="a", every=2, epoch=True, moves=[]))
        for how, says in (
            ({"function": "h"}, "unknown function h"),
            ({"function": "g"}, "the first output of g is no loss f32[]"),
            ({"moves": ["other"]}, "f moves other, which is neither a network, a coder nor a variable"),
            ({"every": 0}, "f runs every 0"),
            ({"stream": "none"}, "unknown stream none"),
        ):
            with self.subTest(says), self.assertRaises(GraphError) as e:
                make(**how)
            self.assertIn(says, str(e.exception))

    def test_names(self) -> None:
        b = ProgramBuilder()
        b.function("two words", lambda f: f.output("y", f.const(1)))
        with self.assertRaises(GraphError):
            b.finish()


def turn(f: Function) -> None:
    x, h = f.input("x", real(2)), f.input("h", scalar())
    f.output("x", x * h)
    f.output("seen", x)


class ArgumentsTest(unittest.TestCase):
    def test_absent_arguments_are_empty(self) -> None:
        a = Arguments(n=Value("int", number=3), s=Value("string", text="x"), yes=Value("bool", number=1))
        self.assertEqual((a.int("n"), a.real("n"), a.text("s"), a.bool("yes")), (3, 3.0, "x", True))
        self.assertEqual((a.int("m"), a.real("m"), a.text("m"), a.bool("m"), "m" in a), (0, 0.0, "", False, False))
