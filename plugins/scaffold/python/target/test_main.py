"""How networks lie on the chip."""

import unittest

import snnc
from main import check
from snnc import Builder, Equation, Module
from snnc.schema import INT, Arguments, Network, TargetRequest, Value


def network(neurons: int) -> str:
    """The text of a network of one layer of neurons, which spike where what flows in reaches 1."""
    step = Builder("step")
    step.output("emit", step.op("spike", step.input("x", snnc.scalar()), 1, 1))
    fire = Equation("fire", inputs=["x"], step=step.finish(), spikes=True)
    m = Module(equations=[fire])
    b = Builder("eval", m)
    b.output("y", b.equation(fire, b.input("x", snnc.signal(4, neurons)), steps=4)[0])
    m.functions.append(b.finish())
    return snnc.print_module(m)


class CheckTest(unittest.TestCase):
    def test_room(self) -> None:
        """A network fits as long as there is room; the layer that finds none is told what would mend that."""
        for neurons, change in ((64, ""), (65, "a chip with neurons = 65")):
            arguments = Arguments(neurons=Value(INT, number=64))
            r = check(TargetRequest("leap", arguments, [Network("network", "net", network(neurons))]))
            self.assertEqual((r.fits, [x.change for x in r.layers]), (change == "", [change]))
            self.assertEqual(r.used[0].used, neurons)


if __name__ == "__main__":
    unittest.main()
