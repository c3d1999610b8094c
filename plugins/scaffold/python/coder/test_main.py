"""The graphs of the coder."""

import unittest

import snnc
from main import decode, encode
from snnc.schema import INT, Arguments, Value

STEPS = 6


class WaysTest(unittest.TestCase):
    def test_types(self) -> None:
        """Both ways are graphs that can be read, and what one gives the other takes."""
        args = Arguments(steps=Value(INT, number=STEPS))
        image, coded = snnc.real(1, 8, 8), snnc.spikes(STEPS, 1, 8, 8)
        for way, given, wanted in (
            (encode, image, coded),
            (decode, coded, image),
            (decode, snnc.signal(STEPS, 10), snnc.real(10)),
        ):
            m = snnc.parse(way(args, given))
            for mode in ("train", "eval"):
                g = m.function(mode)
                assert g is not None
                self.assertEqual(g.outputs[0].value.type, wanted)


if __name__ == "__main__":
    unittest.main()
