"""The tables of the samplers."""

import math
import unittest

from sde import COLUMNS, FIRST, integral, rows


class RowsTest(unittest.TestCase):
    def test_ends(self) -> None:
        table = [dict(zip(COLUMNS, row)) for row in rows(50, 0.1, 20)]
        self.assertEqual(len(table), 50)
        self.assertEqual(table[0]["t"], 1)
        self.assertAlmostEqual(table[-1]["u"], FIRST)
        self.assertEqual((table[-1]["kick"], table[-1]["step"]), (0, 0))
        for a, b in zip(table, table[1:]):
            self.assertEqual((a["u"], a["std_u"]), (b["t"], b["std"]))

    def test_integral(self) -> None:
        """The parts add up to the integral of b, by a sum whose error is that of b's slope."""
        low, high, n = 0.1, 20.0, 1000
        total = sum(row[COLUMNS.index("part")] for row in rows(n, low, high))
        want = integral(1, low, high) - integral(FIRST, low, high)
        self.assertLess(abs(total - want), (high - low) / n)

    def test_normal_data(self) -> None:
        """Data of variance 1 keep it at all times, with the score -x: so do samples, up to squares of steps."""
        n, variance = 2000, 1.0
        for row in rows(n, 0.1, 20):
            c = dict(zip(COLUMNS, row))
            variance = (1 + c["part"] / 2 - c["part"]) ** 2 * variance + c["kick"] ** 2
        self.assertLess(abs(variance - 1), 20 / n)

    def test_noise(self) -> None:
        for row in rows(7, 0.1, 20):
            c = dict(zip(COLUMNS, row))
            self.assertAlmostEqual(c["std"] ** 2 + math.exp(-integral(c["t"], 0.1, 20)), 1)


if __name__ == "__main__":
    unittest.main()
