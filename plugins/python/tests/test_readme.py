"""The programs of README.md."""

import os
import re
import unittest
from unittest import mock

import numpy as np

import snnc
from snnc import schema

README = os.path.join(os.path.dirname(__file__), "..", "README.md")


def programs() -> list[snnc.Plugin]:
    """What the programs serve."""
    with open(README) as f:
        blocks = re.findall(r"```python\n(.*?)```", f.read(), re.S)
    served: list[snnc.Plugin] = []
    with mock.patch("snnc.serve", served.append):
        for block in blocks:
            exec(compile(block, "README.md", "exec"), {"__name__": "__main__"})
    return served


class ReadmeTest(unittest.TestCase):
    def test_programs(self) -> None:
        leap, leaky = programs()
        self.assertIn("neuron leap(", leap.components()[0].equations)
        self.assertEqual([c.name for c in leaky.components()], ["leaky"])

    def test_derivative(self) -> None:
        """The gradient of a membrane that never fires, of which the output is the surrogate alone, by hand."""
        leaky = programs()[1].opaque[0]
        use = snnc.Use(schema.Arguments(tau=schema.Value("real", number=2)), "", (1,))
        p = leaky.prepare(use)
        assert p.backward
        one = np.ones((1, 1, 1), np.float32)
        state, out, saved, dx = np.zeros((1, 1), np.float32), one * 5, one * 5, one * 5
        p.forward(snnc.Forward(use, 1, 1, [one], [state], out, [saved], []))
        self.assertEqual((out.item(), saved.item(), state.item()), (0, 0.5, 0.5))
        p.backward(snnc.Backward(use, 1, 1, [saved], one, [dx]))
        self.assertAlmostEqual(dx.item(), 0.5 / (1 + (np.pi / 2) ** 2), places=6)
