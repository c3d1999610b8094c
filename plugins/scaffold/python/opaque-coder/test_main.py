"""What the coder computes."""

import unittest

import numpy as np

import snnc
from main import prepare
from snnc.schema import DECODE, ENCODE, INT, Arguments, Value

STEPS = 4


class CoderTest(unittest.TestCase):
    def setUp(self) -> None:
        arguments = Arguments(steps=Value(INT, number=STEPS))
        self.encode, self.decode = (snnc.Use(arguments, d, (3,)) for d in (ENCODE, DECODE))

    def test_by_hand(self) -> None:
        """Three values over four time steps, there and back."""
        x = np.array([[0, 0.25, 1]], np.float32)  # of one example
        spikes, back = np.empty((STEPS, 1, 3), np.float32), np.empty_like(x)
        prepare(self.encode).forward(snnc.Forward(self.encode, STEPS, 1, [x], [], spikes, [], []))
        np.testing.assert_array_equal(spikes[:, 0], [[0, 0, 1], [0, 1, 1], [0, 0, 1], [0, 0, 1]])
        prepare(self.decode).forward(snnc.Forward(self.decode, STEPS, 1, [spikes], [], back, [], []))
        np.testing.assert_array_equal(back, x)

    def test_derivatives(self) -> None:
        g = np.array([[4, 8, 12]], np.float32)
        parts, back = np.empty((STEPS, 1, 3), np.float32), np.empty_like(g)
        spread, gather = prepare(self.decode).backward, prepare(self.encode).backward
        assert spread and gather
        spread(snnc.Backward(self.decode, STEPS, 1, [], g, [parts]))
        np.testing.assert_array_equal(parts[:, 0], [[1, 2, 3]] * STEPS)
        gather(snnc.Backward(self.encode, STEPS, 1, [], parts, [back]))
        np.testing.assert_array_equal(back, g)


if __name__ == "__main__":
    unittest.main()
