"""The Program of the model."""

import unittest

import snnc
from main import VELOCITY, build
from snnc import Builder, Module
from snnc.program import parse_program
from snnc.schema import INT, Arguments, Network, Value

IMAGE = snnc.real(1, 4, 4)


def request(time: snnc.Type) -> snnc.BuildRequest:
    """Asks for the model with a network that gives the image it takes, beside a time of some type."""
    m = Module()
    for mode in ("train", "eval"):
        b = Builder(mode, m)
        x = b.input("image", IMAGE)
        b.input("t", time)
        b.output("y", x)
        m.functions.append(b.finish())
    network = Network(VELOCITY, "net", snnc.print_module(m))
    return snnc.BuildRequest(Arguments(turns=Value(INT, number=5)), [network], {"image": IMAGE})


class ProgramTest(unittest.TestCase):
    def test_program(self) -> None:
        """The Program can be read, and its sampler takes the turns that are asked for."""
        (sampler,) = parse_program(build(request(snnc.real(1)))).samplers
        self.assertEqual((sampler.turns, sampler.table[4]), (5, [0.8]))

    def test_network(self) -> None:
        """A network of another shape is told what it should be."""
        with self.assertRaises(snnc.Refusal) as refused:
            build(request(snnc.real(2)))
        self.assertEqual([c.path for c in refused.exception.complaints], [VELOCITY])


if __name__ == "__main__":
    unittest.main()
