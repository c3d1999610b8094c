"""A plugin of one target: a chip that holds so many neurons, and is emulated with weights of eight bits."""

from __future__ import annotations

import json
from typing import Any, Optional, Sequence

import numpy as np

import snnc
from snnc import (
    Activity,
    Amount,
    Arguments,
    Circuit,
    Compiled,
    CompileReply,
    CompileRequest,
    EmulateReply,
    Loss,
    Placement,
)
from snnc import Population, Run, TargetReply, TargetRequest
from snnc.circuit import TO, matrix
from snnc.schema import INT, TARGET


def plugin() -> snnc.Plugin:
    """All that this program serves."""
    neurons = snnc.Param("neurons", INT, default="256", min=1, doc="that the chip holds")
    target = snnc.Component(TARGET, "leap", "0.1.0", "A chip that holds so many neurons.", params=[neurons])
    return snnc.Plugin("acme/leap", "0.1.0", targets=[snnc.Target(target, check, compile)])


def check(q: TargetRequest) -> TargetReply:
    """How circuits lie on the chip."""
    return placed(q.arguments, q.circuits)


def placed(arguments: Arguments, circuits: list[Circuit]) -> TargetReply:
    """Counts the neurons of each layer, and says of the layer that is one too many what would mend it.

    Layers that the chip cannot be at all it refuses, and the host keeps them.
    """
    most, used = arguments.int("neurons"), 0
    layers = []
    for c in circuits:
        for p in c.populations:
            size = p.neurons()
            layer = Placement(c.network, p.name, used=[Amount("neurons", size)])
            if p.reads or p.current or p.late or p.once or p.refractory or (p.reset.kind, p.reset.value) != (TO, 0):
                layer = Placement(c.network, p.name, host=True)
                layer.problem = "the chip has leaky neurons alone, which are reset to 0"
                size = 0
            elif used + size > most:
                layer.problem = f"{size} neurons find room for {max(most - used, 0)}"
                layer.change = f"a chip with neurons = {used + size}"
            layers.append(layer)
            used += size
    return TargetReply(all(not x.problem for x in layers), [Amount("neurons", used, most)], layers)


def compile(q: CompileRequest, weights: snnc.Weights) -> tuple[Optional[Chip], CompileReply]:
    """Rounds the weights. Each synapses has its own scale."""
    said = placed(q.arguments, q.circuits)
    r = CompileReply(said.fits, said.used, said.layers)
    if not r.fits:
        return None, r
    chip = Chip()
    for c in q.circuits:
        for p in c.populations:
            for i, s in enumerate(p.synapses):
                chip.weights[c.name, p.name, i] = matrix(s, c.source(s), p.dims, rounded(weights(s.weights)))
            if p.bias:
                bias = np.array(weights(p.bias)).reshape(-1)  # a copy: what weights gives holds during the call only
                chip.biases[c.name, p.name] = bias.repeat(p.neurons() // bias.size)
            r.losses.append(Loss(c.name, p.name, bits=8))
        chip.circuits[c.name] = c
        chip.ticks[c.name] = c.steps + max(p.depth for p in c.populations) - 1  # a layer d deep is d - 1 steps behind
        r.programs.append(Compiled(c.name, chip.ticks[c.name]))
    r.chips = 1
    return chip, r


def rounded(w: Any) -> Any:
    """Weights as the chip has them: whole numbers from -127 to 127 times a scale."""
    scale = np.abs(w).max() / np.float32(127)
    return np.round(w / scale) * scale if scale > 0 else w


class Chip:
    """Compiled circuits."""

    def __init__(self) -> None:
        self.circuits: dict[str, Circuit] = {}
        self.weights: dict[tuple[str, str, int], Any] = {}  # by circuit, layer and synapses: [neurons, elements]
        self.biases: dict[tuple[str, str], Any] = {}
        self.ticks: dict[str, int] = {}  # steps of the chip for one example

    def emulate(self, run: Run) -> EmulateReply:
        """One layer after another, each over all time steps of all examples."""
        c = self.circuits[run.circuit]
        r = EmulateReply(ticks=self.ticks[c.name] * run.examples)
        spikes: list[Any] = []  # of the layers so far: [steps, examples, neurons]
        outputs, taps = iter(run.outputs), iter(run.taps)
        for p in c.populations:
            layer = Activity(p.name, active=run.steps * run.examples * p.neurons())
            x = self.inflow(c, p, run, spikes, layer)
            v, out = np.full(x.shape[1:], p.start, np.float32), np.zeros_like(x)
            for t in range(run.steps):
                v = v * np.float32(p.decay) + x[t]
                fires = v > p.threshold if p.strict else v >= p.threshold
                out[t], v[fires] = fires, 0
            layer.spikes = [float(n) for n in out.sum((1, 2))]
            for wanted in ([next(outputs)] if p.gives else []) + ([next(taps)] if run.taps else []):
                wanted[...] = out.reshape(wanted.shape)
            spikes.append(out)
            r.layers.append(layer)
        return r

    def inflow(self, c: Circuit, p: Population, run: Run, spikes: list[Any], layer: Activity) -> Any:
        """What flows into a layer at each time step, one example after another, so that none depends on the others."""
        x = np.zeros((run.steps, run.examples, p.neurons()), np.float32)
        x += self.biases.get((c.name, p.name), np.float32(0))
        for d in p.drive:
            x += run.inputs[d].reshape(run.examples, -1)
        for i, s in enumerate(p.synapses):
            given = run.inputs[s.input] if s.population < 0 else spikes[s.population]
            given = given.reshape(run.steps, run.examples, -1)
            w = self.weights[c.name, p.name, i]
            for e in range(run.examples):
                x[:, e] += given[:, e] @ w.T
            layer.synops += float((given * (w != 0).sum(0)).sum())
        return x

    def export(self, examples: Sequence[Run]) -> tuple[str, list[Any]]:
        """The weights as lists, by name, and what goes in of an example, by circuit."""
        named = {"/".join(map(str, k)): w.tolist() for k, w in self.weights.items()}
        given = {run.circuit: [x.tolist() for x in run.inputs] for run in examples}
        return json.dumps({"weights": named, "inputs": given}), []


if __name__ == "__main__":
    snnc.serve(plugin())
