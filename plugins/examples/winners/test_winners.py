"""What winners computes: who fires, and the derivative."""

import unittest

import numpy as np

import snnc
from snnc.schema import INT, REAL, Value
from winners import prepare

STEPS, EXAMPLES, DIMS = 12, 3, (4, 6)
TAU, MOST = 3.0, 2


class WinnersTest(unittest.TestCase):
    def setUp(self) -> None:
        arguments = snnc.schema.Arguments(tau=Value(REAL, number=TAU), most=Value(INT, number=MOST))
        self.use = snnc.Use(arguments, "", DIMS)
        self.of = prepare(self.use)
        self.draw = np.random.default_rng(1)
        self.x = self.draw.normal(1.5, 1.5, (STEPS, EXAMPLES, *DIMS)).astype(np.float32)

    def forward(self, x: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The spikes and the membranes before them; v is changed into the membranes behind."""
        s, u = np.empty_like(x), np.empty_like(x)
        self.of.forward(snnc.Forward(self.use, len(x), EXAMPLES, [x], [v], s, [u], []))
        return s, u

    def rest(self) -> np.ndarray:
        return np.zeros((EXAMPLES, *DIMS), np.float32)

    def test_who_fires(self) -> None:
        s, u = self.forward(self.x, self.rest())
        self.assertEqual(s.sum(-1).max(), MOST)
        self.assertGreater((u >= 1).sum(), s.sum())  # some are held back
        self.assertTrue((u[s == 1] >= 1).all())
        # None that stays silent above the threshold is greater than one that fires at its place.
        silent = np.where((s == 0) & (u >= 1), u, -np.inf).max(-1)
        least = np.where(s == 1, u, np.inf).min(-1)
        self.assertTrue((silent <= least).all())
        # As many fire as may, where so many reach the threshold.
        np.testing.assert_array_equal(s.sum(-1), np.minimum((u >= 1).sum(-1), MOST))

    def test_equal_membranes(self) -> None:
        s, _ = self.forward(np.full((1, EXAMPLES, *DIMS), 9, np.float32), self.rest())
        np.testing.assert_array_equal(s[..., :MOST], 1)
        np.testing.assert_array_equal(s[..., MOST:], 0)

    def test_parts(self) -> None:
        """A sequence in two parts is the sequence."""
        v, w = self.rest(), self.rest()
        whole, _ = self.forward(self.x, v)
        parts = [self.forward(x, w)[0] for x in (self.x[:5], self.x[5:])]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
        np.testing.assert_array_equal(w, v)

    def test_derivative(self) -> None:
        """Backward is the adjoint of the tangent: <g, J d> = <J' g, d>, J with the surrogate for the spike's derivative."""
        s, u = self.forward(self.x, self.rest())
        g, d = (self.draw.normal(size=s.shape).astype(np.float32) for _ in range(2))
        dx = np.empty_like(g)
        assert self.of.backward
        self.of.backward(snnc.Backward(self.use, STEPS, EXAMPLES, [u], g, [dx]))
        tangent, dv = np.zeros(s.shape), np.zeros(s.shape[1:])
        for t in range(STEPS):
            du = dv + (d[t] - dv) / TAU
            tangent[t] = du / (1 + (np.pi * (np.float64(u[t]) - 1)) ** 2)
            dv = du * (1 - s[t]) - u[t] * tangent[t]
        # Each number is rounded to 2^-24 of itself some eight times in a step, for as many steps as there are.
        bound = 8 * STEPS * 2**-24 * np.abs(np.float64(dx) * d).sum()
        self.assertLess(abs((g * tangent).sum() - (np.float64(dx) * d).sum()), bound)

    def test_too_many(self) -> None:
        self.use.arguments["most"] = Value(INT, number=7)
        with self.assertRaises(snnc.Refusal):
            prepare(self.use)


if __name__ == "__main__":
    unittest.main()
