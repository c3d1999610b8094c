"""Targets: operands in shared memory. What they compute is held by the tests in Go."""

import dataclasses
import tempfile
import unittest
from typing import Any, Optional, Sequence

import numpy as np

from snnc import (
    Chips,
    CompileReply,
    CompileRequest,
    Component,
    EmulateReply,
    NamedTensor,
    Run,
    Target,
    TargetReply,
    schema,
)
from snnc.chip import EmulateQuestion, ExportExample, ExportQuestion, TraceReply, TraceRequest
from snnc.circuit import (
    CONV,
    DECONV,
    DENSE,
    DRIVE,
    POOL,
    SAME,
    SPIKES,
    TO,
    Circuit,
    Input,
    Population,
    Reset,
    Synapses,
    Tensor,
    View,
    elements,
    matrix,
)
from snnc.opaque import NotPrepared, WrongOperands
from snnc.schema import ReleaseQuestion
from snnc.verify import BadCircuit

STEPS, BATCH = 3, 4


def circuit() -> Circuit:
    """Two neurons and a read-out of them, with a drive."""
    dense = Synapses(-1, 0, DENSE, View(0, [3], dims=[3]), weights=Tensor([2, 3]))
    same = Synapses(0, 0, SAME, View(0, [2], dims=[2]), weights=Tensor([1], 24))
    inputs = [Input("x", SPIKES, [3]), Input("d", DRIVE, [2])]
    first = Population("0", [2], drive=[1], synapses=[dense], depth=1, gives=True, reset=Reset(TO))
    return Circuit(
        "c",
        "c",
        STEPS,
        inputs,
        [first, Population("1", [2], reads=True, scale=1, synapses=[same], depth=2, gives=True)],
    )


class ChipTest(unittest.TestCase):
    def setUp(self) -> None:
        self.runs: list[Run] = []
        self.said = CompileReply(True, tensors=[NamedTensor("w", "I16", [2])])
        self.tensors: list[Any] = [[1, -2]]
        file = tempfile.NamedTemporaryFile()
        self.addCleanup(file.close)
        file.truncate(4 * 200)
        self.path = file.name
        self.numbers = np.memmap(file.name, np.float32, "r+")
        self.numbers[:] = np.arange(self.numbers.size)
        self.chips = Chips(
            [
                Target(Component("target", "t"), self.check, self.compile, self.trace),
                Target(Component("target", "dry"), self.check),
            ]
        )

    def check(self, q: schema.TargetRequest) -> TargetReply:
        raise schema.refuse("cores", "too few")

    def compile(self, q: CompileRequest, weights: Any) -> tuple[Optional[Any], CompileReply]:
        self.weights = weights(Tensor([2, 3], 8))
        with self.assertRaises(WrongOperands):
            weights(Tensor([200], 4))
        return self, self.said

    def emulate(self, run: Run) -> EmulateReply:
        self.runs.append(run)
        for block in run.outputs + run.taps:
            block[...] = -1
        return EmulateReply(ticks=5)

    def export(self, examples: Sequence[Run]) -> tuple[str, list[Any]]:
        self.runs += examples
        return "{}", self.tensors

    def trace(self, q: TraceRequest, tensors: dict[str, Any]) -> TraceReply:
        return TraceReply("\n".join(f"{k} {v.tolist()}" for k, v in tensors.items()))

    def ready(self) -> None:
        q = CompileRequest("h", "t", circuits=[circuit()], arena=self.path, bytes=800)
        self.assertTrue(self.chips.compile(q).fits)

    def question(self, **more: Any) -> EmulateQuestion:
        """A call about the examples 1 and 2: inputs of 36 and 8 numbers, outputs of 24 and 8, taps of 24."""
        at = {"inputs": [0, 4 * 36], "outputs": [4 * 44, 4 * 68], "taps": [4 * 76], "seeds": [7, 8]}
        return EmulateQuestion(**{"handle": "h", "circuit": "c", "arena": self.path, "bytes": 800, "steps": STEPS, "batch": BATCH, "first": 1, "count": 2, **at, **more})  # fmt: skip

    def test_emulate(self) -> None:
        self.ready()
        np.testing.assert_array_equal(self.weights, [[2, 3, 4], [5, 6, 7]])
        before = self.numbers.copy()
        self.assertEqual(self.chips.emulate(self.question()).ticks, 5)
        run = self.runs[0]
        self.assertEqual((run.circuit, run.steps, run.examples, run.seeds), ("c", 3, 2, [7, 8]))
        np.testing.assert_array_equal(run.inputs[0], before[:36].reshape(STEPS, BATCH, 3)[:, 1:3])
        np.testing.assert_array_equal(run.inputs[1], before[36:44].reshape(BATCH, 2)[1:3])
        with self.assertRaises(ValueError):
            run.inputs[1][...] = 0
        # What is written is the two examples, and nothing else.
        for begin, shape in ((44, (STEPS, BATCH, 2)), (68, (1, BATCH, 2)), (76, (STEPS, BATCH, 2))):
            n = int(np.prod(shape))
            block = self.numbers[begin : begin + n].reshape(shape)
            np.testing.assert_array_equal(block[:, 1:3], -1)
            block[:, 1:3] = before[begin : begin + n].reshape(shape)[:, 1:3]
        np.testing.assert_array_equal(self.numbers, before)
        self.chips.emulate(self.question(taps=[], seeds=[]))
        self.assertEqual((self.runs[1].taps, self.runs[1].seeds), ([], [0, 0]))

    def test_operands(self) -> None:
        with self.assertRaises(NotPrepared):
            self.chips.emulate(self.question())
        self.ready()
        for wrong in (
            {"circuit": "d"}, {"inputs": [0]}, {"outputs": [0]}, {"taps": [0, 0]}, {"seeds": [1]}, {"first": 3}, {"count": 0},
            {"steps": 0}, {"outputs": [2, 0]}, {"outputs": [-4, 0]}, {"outputs": [4 * 199, 0]},
        ):  # fmt: skip
            with self.subTest(wrong), self.assertRaises(WrongOperands):
                self.chips.emulate(self.question(**wrong))
        self.chips.release(ReleaseQuestion("h"))
        with self.assertRaises(NotPrepared):
            self.chips.emulate(self.question())

    def test_replies(self) -> None:
        q = CompileRequest("h", "t", circuits=[circuit()], arena=self.path, bytes=800)
        self.assertEqual(self.chips.check(schema.TargetRequest("t")).complaints[0].path, "cores")
        for name, call in (("dry", "compile"), ("none", "compile")):
            with self.subTest(name), self.assertRaises(LookupError):
                getattr(self.chips, call)(dataclasses.replace(q, component=name))
        with self.assertRaisesRegex(LookupError, "has no trace"):
            self.chips.trace(TraceRequest("dry"))
        self.ready()
        self.said = CompileReply(False)
        self.assertFalse(self.chips.compile(q).fits)  # and what had the handle is gone
        with self.assertRaises(NotPrepared):
            self.chips.emulate(self.question())

    def test_export_and_trace(self) -> None:
        self.ready()
        self.assertEqual(self.chips.export(ExportQuestion("h", self.path, 800, [8])).text, "{}")
        self.assertEqual(self.numbers.view("<i2")[4:6].tolist(), [1, -2])
        for offsets in [], [1000]:
            with self.subTest(offsets), self.assertRaises(WrongOperands):
                self.chips.export(ExportQuestion("h", self.path, 800, offsets))
        self.assertEqual(self.runs, [])
        before = self.numbers.copy()
        example = ExportExample("c", 3, [0, 4 * 36], 9)
        self.chips.export(ExportQuestion("h", self.path, 800, [792], [example]))
        run = self.runs.pop()
        self.assertEqual((run.circuit, run.steps, run.examples, run.seeds), ("c", 3, 1, [9]))
        self.assertEqual((run.outputs, run.taps), ([], []))
        np.testing.assert_array_equal(run.inputs[0], before[:9].reshape(3, 1, 3))
        np.testing.assert_array_equal(run.inputs[1], before[36:38].reshape(1, 2))
        for wrong in {"circuit": "d"}, {"steps": 0}, {"inputs": [0]}, {"inputs": [0, 4 * 199]}:
            with self.subTest(wrong), self.assertRaises(WrongOperands):
                bad = dataclasses.replace(example, **wrong)
                self.chips.export(ExportQuestion("h", self.path, 800, [8], [bad]))
        self.tensors = [[1, 2, 3]]
        with self.assertRaisesRegex(TypeError, "tensor w has 6 bytes, and I16 of .2. 4"):
            self.chips.export(ExportQuestion("h", self.path, 800, [8]))
        q = TraceRequest(
            "t", text="{}", arena=self.path, bytes=800, tensors=[NamedTensor("w", "I16", [2])], offsets=[8]
        )
        self.assertEqual(self.chips.trace(q).lines, "w [1, -2]")
        for t in NamedTensor("w", "F64", [1]), NamedTensor("w", "F32", [201]), NamedTensor("w", "F32", [-1]):
            with self.subTest(t), self.assertRaises(WrongOperands):
                self.chips.trace(dataclasses.replace(q, tensors=[t]))

    def test_bad_circuits(self) -> None:
        bad = circuit()
        bad.populations[1].depth = 5
        for call, q in ((self.chips.check, schema.TargetRequest), (self.chips.compile, CompileRequest)):
            with self.assertRaisesRegex(BadCircuit, 'circuit "c": population 1: its depth is 5'):
                call(q(component="t", circuits=[bad]))

    def test_json(self) -> None:
        c = circuit()
        self.assertIn('"view":{"from":[3],"dims":[3]}', schema.dump(c))
        self.assertEqual(schema.load(Circuit, schema.dump(c)), c)


class GeometryTest(unittest.TestCase):
    def test_elements(self) -> None:
        v = View(4, [2, 1, 2], 2, 3, [2, 2, 6])
        want = [4, 4, 4, 5, 5, 5, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 6, 6, 6, 7, 7, 7]
        self.assertEqual(elements(v).tolist(), want)

    def test_matrix(self) -> None:
        """A deconv is the transpose of the conv with the same weights; a pool over a repeated row adds up."""
        w = np.arange(2 * 3 * 2 * 2, dtype=np.float32).reshape(2, 3, 2, 2)
        big = [3, 4, 3]
        conv = matrix(Synapses(kind=CONV, view=View(0, big, dims=big), kernel=2, stride=2, pad=1), big, [2, 3, 2], w)
        y = np.zeros((2, 3, 2), np.float32)
        x = np.random.default_rng(1).random((3, 4, 3)).astype(np.float32)
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        for o in range(2):
            for i in range(3):
                for j in range(2):
                    y[o, i, j] = (padded[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] * w[o]).sum()
        np.testing.assert_allclose(conv @ x.reshape(-1), y.reshape(-1), rtol=1e-5)
        back = Synapses(kind=DECONV, view=View(0, [2, 3, 2], dims=[2, 3, 2]), kernel=2, stride=2, pad=1)
        np.testing.assert_array_equal(matrix(back, [2, 3, 2], big, w), conv.T)
        pool = Synapses(kind=POOL, view=View(0, [1, 1, 2], 2, 1, [1, 2, 2]), kernel=2, stride=1)
        np.testing.assert_array_equal(matrix(pool, [1, 1, 2], [1, 1, 1], np.float32([0.25])), [[0.5, 0.5]])
