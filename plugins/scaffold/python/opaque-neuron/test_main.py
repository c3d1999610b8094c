"""What the neuron computes."""

import unittest

import numpy as np

import snnc
from main import prepare
from snnc.schema import TIME, Arguments, Value

STEPS = 4


class NeuronTest(unittest.TestCase):
    def test_by_hand(self) -> None:
        """One neuron over four time steps."""
        use = snnc.Use(Arguments(tau=Value(TIME, number=2, unit="steps")), "", (1,))
        of = prepare(use)
        x = np.array([1, 1.5, 0, 2], np.float32).reshape(STEPS, 1, 1)  # of one example
        y, u, dx, dy = (np.zeros_like(x) for _ in range(4))
        of.forward(snnc.Forward(use, STEPS, 1, [x], [np.zeros((1, 1), np.float32)], y, [u], []))
        np.testing.assert_array_equal(u.ravel(), [0.5, 1, 0, 1])
        np.testing.assert_array_equal(y.ravel(), [0, 1, 0, 1])

        dy[1] = 1
        assert of.backward
        of.backward(snnc.Backward(use, STEPS, 1, [u], dy, [dx]))
        # The input before comes by the membrane, half of it, less what the reset of a spike there would have taken.
        before = (0.5 - 0.5 * 0.5 / (1 + np.pi**2 / 4)) / 2
        np.testing.assert_allclose(dx.ravel(), [before, 0.5, 0, 0], rtol=1e-6)


if __name__ == "__main__":
    unittest.main()
