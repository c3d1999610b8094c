"""Opaque components: operands in shared memory. What they compute is held by the tests in Go."""

import os
import tempfile
import unittest

import numpy as np

from snnc import Backward, Component, Forward, Opaque, Operators, Plugin, Prepared, Use, refuse, schema
from snnc.opaque import Arenas, NotPrepared, WrongOperands
from snnc.schema import BackwardQuestion, ForwardQuestion, PrepareQuestion, ReleaseQuestion

STEPS, BATCH, DIMS = 3, 4, (2, 5)
STATE = BATCH * 10  # numbers of a block without time steps
BLOCK = STEPS * STATE


class OpaqueTest(unittest.TestCase):
    def setUp(self) -> None:
        self.calls: list[Forward | Backward] = []
        opaque = schema.Opaque(inputs=["x", "y"], gradient=True, random=True)
        component = Component("neuron", "sum", params=[schema.Param("n", schema.INT)], opaque=opaque)
        self.operators = Operators([Opaque(component, self.prepare)])
        file = tempfile.NamedTemporaryFile()
        self.addCleanup(file.close)
        file.truncate(4 * 6 * BLOCK)
        self.path = file.name
        self.numbers = np.memmap(file.name, np.float32, "r+")
        self.numbers[:] = np.arange(self.numbers.size)

    def prepare(self, u: Use) -> Prepared:
        if u.arguments.int("n") < 0:
            raise refuse("n", "too small")

        def forward(f: Forward) -> None:
            self.calls.append(f)
            f.state[0] += f.inputs[0].sum(0)
            f.output[...] = f.inputs[0] + f.inputs[1]
            for s in f.saved:
                s[...] = 7

        def backward(b: Backward) -> None:
            self.calls.append(b)
            for x in b.inputs:
                x[...] = b.gradient * b.saved[0]

        return Prepared(forward, backward, {"s": 0.5}, ["u"])

    def test_described(self) -> None:
        """What the description and the functions say differently, and which of them lacks what, is in the error."""

        def prepared(u: Use) -> Prepared:
            return Prepared(lambda f: None)

        for gradient, prepare, want in (
            (True, prepared, "has gradient=True in its description, and no backward"),
            (False, self.prepare, "has a backward, and no gradient in its description"),
        ):
            params = [schema.Param("n", schema.INT)]
            component = Component("neuron", "it", params=params, opaque=schema.Opaque(gradient=gradient))
            with self.assertRaisesRegex(TypeError, want):
                Operators([Opaque(component, prepare)]).prepare(PrepareQuestion("h", "it", dims=list(DIMS)))
        with self.assertRaisesRegex(LookupError, "in opaque= of the Plugin"):
            self.operators.prepare(PrepareQuestion("h", "other", dims=list(DIMS)))

    def operands(self, **more: object) -> dict[str, object]:
        """A call about the examples 1 and 2."""
        where = {"handle": "h", "arena": self.path, "bytes": 4 * 6 * BLOCK, "steps": STEPS, "batch": BATCH}
        return {**where, "first": 1, "count": 2, **more}

    def block(self, i: int) -> np.ndarray:
        return self.numbers[i * BLOCK : (i + 1) * BLOCK].reshape(STEPS, BATCH, *DIMS)

    def ready(self) -> None:
        reply = self.operators.prepare(PrepareQuestion("h", "sum", dims=list(DIMS)))
        self.assertEqual((reply.states, reply.saved), ([schema.State("s", 0.5)], ["u"]))

    def test_listed_in_the_wrong_place(self) -> None:
        with self.assertRaisesRegex(ValueError, "sum is opaque: list it in opaque="):
            Plugin("acme/sum", "1.0.0", equations=[Component("neuron", "sum", opaque=schema.Opaque())])
        with self.assertRaisesRegex(ValueError, "sum is listed in opaque="):
            Plugin("acme/sum", "1.0.0", opaque=[Opaque(Component("neuron", "sum"), self.prepare)])

    def test_forward(self) -> None:
        self.ready()
        before, x, y = self.numbers.copy(), self.block(0).copy(), self.block(1).copy()
        at = [4 * i * BLOCK for i in range(6)]
        q = self.operands(inputs=at[:2], output=at[2], saved=[at[3]], next=[at[4]], seeds=[8, 9])
        self.operators.forward(ForwardQuestion(**q))  # type: ignore[arg-type]
        f = self.calls[0]
        assert isinstance(f, Forward)
        self.assertEqual((f.steps, f.examples, f.seeds, f.use.dims, f.use.neurons()), (3, 2, [8, 9], DIMS, 10))
        np.testing.assert_array_equal(self.block(2)[:, 1:3], (x + y)[:, 1:3])
        np.testing.assert_array_equal(self.block(3)[:, 1:3], 7)
        behind = self.numbers[4 * BLOCK : 4 * BLOCK + STATE].reshape(BATCH, *DIMS)
        np.testing.assert_array_equal(behind[1:3], 0.5 + x.sum(0)[1:3])
        # Nothing else is written: neither the inputs nor what lies beside the two examples.
        for i in (2, 3):
            self.block(i)[:, 1:3] = before.reshape(6, STEPS, BATCH, *DIMS)[i][:, 1:3]
        behind[1:3] = before[4 * BLOCK : 4 * BLOCK + STATE].reshape(BATCH, *DIMS)[1:3]
        np.testing.assert_array_equal(self.numbers, before)

    def test_states_that_are_given(self) -> None:
        self.ready()
        at = [4 * i * BLOCK for i in range(6)]
        given = self.numbers[3 * BLOCK : 3 * BLOCK + STATE].reshape(BATCH, *DIMS).copy()
        q = self.operands(inputs=at[:2], output=at[2], state=[at[3]], seeds=[8, 9])
        self.operators.forward(ForwardQuestion(**q))  # type: ignore[arg-type]
        f = self.calls[0]
        assert isinstance(f, Forward)
        np.testing.assert_array_equal(f.state[0], (given + self.block(0).sum(0))[1:3])
        np.testing.assert_array_equal(self.numbers[3 * BLOCK : 3 * BLOCK + STATE].reshape(BATCH, *DIMS), given)
        self.assertEqual(f.saved, [])

    def test_backward(self) -> None:
        self.ready()
        at = [4 * i * BLOCK for i in range(6)]
        q = self.operands(saved=[at[0]], gradient=at[1], inputs=at[2:4])
        self.operators.backward(BackwardQuestion(**q))  # type: ignore[arg-type]
        for i in (2, 3):
            np.testing.assert_array_equal(self.block(i)[:, 1:3], (self.block(0) * self.block(1))[:, 1:3])

    def test_refusals(self) -> None:
        bad = schema.Arguments(n=schema.Value("int", number=-1))
        reply = self.operators.prepare(PrepareQuestion("h", "sum", bad, dims=[2]))
        self.assertEqual([c.path for c in reply.complaints], ["n"])
        right = self.operands(inputs=[0, 4 * BLOCK], output=8 * BLOCK, seeds=[1, 2])
        with self.assertRaises(NotPrepared):
            self.operators.forward(ForwardQuestion(**right))  # type: ignore[arg-type]
        self.ready()
        for wrong in (
            {"inputs": [0]}, {"seeds": [1]}, {"saved": [0, 0]}, {"state": [0, 0]}, {"next": [0, 0]}, {"first": 3}, {"count": 0},
            {"steps": 0}, {"output": 2}, {"output": -4}, {"output": 4 * 5 * BLOCK + 4},
        ):  # fmt: skip
            with self.subTest(wrong), self.assertRaises(WrongOperands):
                self.operators.forward(ForwardQuestion(**{**right, **wrong}))  # type: ignore[arg-type]
        for wrong, error in (({"bytes": 8}, ValueError), ({"arena": "/none"}, OSError)):
            with self.subTest(wrong), self.assertRaises(error):
                self.operators.forward(ForwardQuestion(**{**right, **wrong}))  # type: ignore[arg-type]
        self.operators.release(ReleaseQuestion("h"))
        self.operators.release(ReleaseQuestion("h"))
        with self.assertRaises(NotPrepared):
            self.operators.forward(ForwardQuestion(**right))  # type: ignore[arg-type]

    def test_arenas(self) -> None:
        arenas = Arenas()
        with tempfile.TemporaryDirectory() as dir:
            for name in "ab":
                path = os.path.join(dir, name)
                with open(path, "wb") as f:
                    f.truncate(64)
                a = arenas.get(path, 64)
                self.assertIs(arenas.get(path, 64), a)
                self.assertEqual((a.size, a.dtype), (16, np.float32))
                with self.assertRaises(ValueError):
                    arenas.get(path, 32)
                os.remove(path)
                a[3] = 1  # the mapping holds
            self.assertEqual(list(arenas._open), [path])
