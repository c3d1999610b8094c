"""How circuits lie on the chip, and what it computes."""

import unittest

import numpy as np

from main import check, compile
from snnc import CompileRequest, Population, Run, Synapses, Tensor
from snnc.circuit import DENSE, SPIKES, TO, Circuit, Input, Reset, View
from snnc.schema import INT, Arguments, TargetRequest, Value

ARGUMENTS = Arguments(neurons=Value(INT, number=64))


def net(neurons: int) -> Circuit:
    """A circuit of one layer of neurons, each of which takes in both spikes of the input."""
    dense = Synapses(-1, 0, DENSE, View(0, [2], dims=[2]), weights=Tensor([neurons, 2]))
    layer = Population("0.linear", [neurons], 0.5, threshold=1, reset=Reset(TO), synapses=[dense], depth=1, gives=True)
    return Circuit("net", "net", 4, [Input("x", SPIKES, [2])], [layer])


class ChipTest(unittest.TestCase):
    def test_room(self) -> None:
        """A circuit fits as long as there is room; the layer that finds none is told what would mend that."""
        for neurons, change in ((64, ""), (65, "a chip with neurons = 65")):
            r = check(TargetRequest("leap", ARGUMENTS, circuits=[net(neurons)]))
            self.assertEqual((r.fits, [x.change for x in r.layers]), (change == "", [change]))
            self.assertEqual(r.used[0].used, neurons)

    def test_spikes(self) -> None:
        """Three neurons with weights that eight bits hold, worked out by hand."""
        w = np.array([[1, -1], [0, 1], [1, 1]], np.float32)
        chip, r = compile(CompileRequest("h", "leap", ARGUMENTS, [net(3)]), lambda t: w)
        assert chip
        x = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.float32).reshape(4, 1, 2)
        y = np.empty((4, 1, 3), np.float32)
        said = chip.emulate(Run("net", 4, 1, [x], [y], [], [0]))
        self.assertEqual(y[:, 0].tolist(), [[1, 0, 1], [0, 1, 1], [0, 1, 1], [0, 0, 0]])
        self.assertEqual((said.layers[0].spikes, r.programs[0].ticks), ([2, 2, 2, 0], 4))


if __name__ == "__main__":
    unittest.main()
