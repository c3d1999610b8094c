"""A chip that loses nothing: the twin of the one that the tests in Go have."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass, field
from typing import Optional, Sequence

import numpy as np

import snnc
from snnc import (
    Activity,
    Amount,
    Circuit,
    Compiled,
    CompileReply,
    CompileRequest,
    Component,
    Constant,
    Core,
    EmulateReply,
    Energy,
    Loss,
    NamedTensor,
    Param,
    Placement,
    Population,
    Run,
    TargetReply,
    TargetRequest,
    Tensor,
    TraceReply,
    TraceRequest,
    refuse,
    schema,
)
from snnc.chip import DYNAMIC, Array
from snnc.circuit import BY, SPIKES, TO, matrix, size

EVENT = 1e-12  # joules, made up


def placed(circuits: list[Circuit]) -> TargetReply:
    """What check says, and compile again."""
    r = TargetReply(True)
    for c in circuits:
        for p in c.populations:
            used = [Amount("neurons", p.neurons())]
            if p.once:
                problem = "it fires once, which the chip cannot do"
                r.layers.append(Placement(c.network, p.name, host=True, problem=problem))
                r.fits = False
            else:
                r.layers.append(Placement(c.network, p.name, used=used))
    r.used = [Amount("neurons", sum(p.neurons() for c in circuits for p in c.populations))]
    return r


def check(q: TargetRequest) -> TargetReply:
    if q.arguments.text("do") == "refuse":
        raise refuse("do", "it will not", "write something else")
    return placed(q.circuits)


class Ideal:
    """Circuits with their tensors."""

    def __init__(self, circuits: list[Circuit], weights: snnc.Weights, floats: int, do: str) -> None:
        self.of, self.do = circuits, do
        self.arena = np.zeros(floats, np.float32)
        for c in circuits:
            for p in c.populations:
                for t in [s.weights for s in p.synapses] + ([p.bias] if p.bias else []):
                    self.arena[t.offset // 4 :][: size(t.dims)] = weights(t).reshape(-1)

    def tensor(self, t: Tensor) -> snnc.opaque.Block:
        return self.arena[t.offset // 4 :][: size(t.dims)].reshape(t.dims)

    def emulate(self, run: Run) -> EmulateReply:
        if self.do == "write":
            run.inputs[0][...] = 0
        if self.do == "die":
            die(run)
        c = next(c for c in self.of if c.name == run.circuit)
        outputs, taps = iter(run.outputs), iter(run.taps)
        r = EmulateReply(ticks=run.steps * run.examples)
        spikes: list[snnc.opaque.Block] = []
        synops = 0.0
        for p in c.populations:
            layer = Activity(p.name, active=run.steps * run.examples * p.neurons())
            x = self.inflow(c, p, run, spikes, layer)
            s, v = neurons(p, x)
            spikes.append(s)
            if not p.reads:
                layer.spikes = [float(n) for n in s.reshape(run.steps, -1).sum(1)]
                if run.taps:
                    next(taps)[...] = s.reshape(run.steps, run.examples, *p.dims)
            if p.gives and p.reads:
                next(outputs)[...] = (v * np.float32(p.scale)).reshape(run.examples, *p.dims)
            elif p.gives:
                next(outputs)[...] = s.reshape(run.steps, run.examples, *p.dims)
            synops += layer.synops
            r.layers.append(layer)
        r.energy = [Energy(DYNAMIC, synops * EVENT, 2 * synops * EVENT, ["event"])]
        r.time = [Amount("step", r.ticks * 1e-6, r.ticks * 1e-3)]
        return r

    def inflow(self, c: Circuit, p: Population, run: Run, spikes: list[snnc.opaque.Block], layer: Activity) -> Array:
        """What flows into a population: [steps, examples, neurons]."""
        x = np.zeros((run.steps, run.examples, *p.dims), np.float32)
        if p.bias:
            b = self.tensor(p.bias)
            x += b if len(b.shape) == len(p.dims) else b.reshape(-1, 1, 1)
        x = x.reshape(run.steps, run.examples, -1)
        for d in p.drive:
            x += run.inputs[d].reshape(run.examples, -1)
        for s in p.synapses:
            source = c.source(s)
            w = matrix(s, source, p.dims, self.tensor(s.weights))
            given = run.inputs[s.input] if s.population < 0 else spikes[s.population]
            given = given.reshape(run.steps, run.examples, -1)
            x += given @ w.T
            # Weights of 1 count the connections.
            ones = np.ones(s.weights.dims, np.float32)
            layer.synops += float((given @ matrix(s, source, p.dims, ones).T).sum())
        return x

    def export(self, examples: Sequence[Run]) -> tuple[str, list[Array]]:
        text = Exported(self.of)
        for run in examples:
            if run.circuit != self.of[0].name:
                continue
            for i, block in enumerate(run.inputs):
                drive = self.of[0].inputs[i].kind != SPIKES
                text.drives.append([float(v) for v in block.reshape(-1)] if drive else [])
                if not drive:
                    found = np.argwhere(block.reshape(run.steps, -1) == 1)
                    text.spikes += [Going(int(t), i, int(k)) for t, k in found]
        return schema.dump(text), [self.arena]


def neurons(p: Population, x: Array) -> tuple[Array, Array]:
    """The spikes of all neurons of a population at all time steps, and v of the last one."""
    f = np.float32
    after, u = np.full(x.shape[1:], p.start, f), np.zeros(x.shape[1:], f)
    fired, rest, rested = np.zeros(u.shape, bool), np.zeros(u.shape, int), np.zeros(u.shape, bool)
    out = np.zeros(x.shape, f)

    def spike(where: Array) -> None:
        if p.reset.kind == TO:
            after[where] = p.reset.value
        elif p.reset.kind == BY:
            after[where] -= f(p.reset.value)
        fired[where] = True
        rest[where] = p.refractory

    def exceeds() -> Array:
        over = after > f(p.threshold) if p.strict else after >= f(p.threshold)
        return over & ~(fired & p.once) & (not p.reads)

    for t in range(len(x)):
        late = exceeds() & ~rested & p.late
        spike(late)
        u = f(p.current_decay) * u + x[t] if p.current else x[t]
        rested = rest > 0
        rest[rested] -= 1
        after = np.where(rested, after, f(p.decay) * after + u)
        v = after.copy()
        now = exceeds() & ~rested & (not p.late)
        spike(now)
        out[t] = late | now
    return out, v


def die(run: Run) -> None:
    """The first process dies when it has written nonsense; the folder for temporary files tells the next one."""
    mark = os.path.join(os.environ.get("TMPDIR", "/tmp"), "mark-" + run.circuit)
    if not os.path.exists(mark):
        open(mark, "w").close()
        for block in run.outputs:
            block[...] = 77
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Going:
    """A spike of an input."""

    t: int
    input: int
    element: int


@dataclass
class Exported:
    """The JSON of an export; a trace is of the first circuit, with what goes in of an example."""

    circuits: list[Circuit]
    drives: list[list[float]] = field(default_factory=list)  # of each input; [] of one of spikes
    spikes: list[Going] = field(default_factory=list)


def compile(q: CompileRequest, weights: snnc.Weights) -> tuple[Optional[Ideal], CompileReply]:
    said = placed(q.circuits)
    r = CompileReply(said.fits, said.used, said.layers)
    if not r.fits:
        return None, r
    r.chips = 1
    r.constants = [Constant("event", EVENT, "J", "derived", "made up", unverified=True)]
    core = Core(used=[Amount("neurons")])
    for c in q.circuits:
        for p in c.populations:
            core.layers.append(f"{c.name}: {p.name}")
            core.used[0].used += p.neurons()
            r.losses.append(Loss(c.name, p.name, bits=32, scale=1))
        r.programs.append(Compiled(c.name, c.steps + max(p.depth for p in c.populations)))
    r.cores = [core]
    r.tensors = [NamedTensor("arena", "F32", [q.bytes // 4])]
    return Ideal(q.circuits, weights, q.bytes // 4, q.arguments.text("do")), r


def trace(q: TraceRequest, tensors: dict[str, Array]) -> TraceReply:
    try:
        data = json.loads(q.text)
        c = schema.load(Circuit, json.dumps(data["circuits"][0]))
    except (ValueError, LookupError) as e:
        return TraceReply(error=str(e))
    chip = Ideal([], lambda t: tensors["arena"], 0, "")
    chip.of, chip.arena = [c], tensors["arena"]
    inputs = [np.zeros((c.steps, 1, *i.dims) if i.kind == SPIKES else (1, *i.dims), np.float32) for i in c.inputs]
    for block, drive in zip(inputs, data.get("drives") or []):
        if drive:
            block[...] = np.array(drive, np.float32).reshape(block.shape)
    for s in data.get("spikes") or []:
        inputs[s["input"]].reshape(c.steps, -1)[s["t"], s["element"]] = 1
    taps = [np.zeros((c.steps, 1, *p.dims), np.float32) for p in c.populations if not p.reads]
    outputs = [
        np.zeros((1, *p.dims) if p.reads else (c.steps, 1, *p.dims), np.float32) for p in c.populations if p.gives
    ]
    chip.emulate(Run(c.name, c.steps, 1, inputs, outputs, taps, [0]))
    lines = ""
    names = [p.name for p in c.populations if not p.reads]
    for t in range(c.steps):
        for name, tap in zip(names, taps):
            for k in np.flatnonzero(tap[t]):
                lines += f'{{"t":{t},"layer":"{name}","neuron":{k}}}\n'
    return TraceReply(lines)


if __name__ == "__main__":
    do = Param("do", schema.STRING)
    component = Component("target", "ideal", "1.0.0", "A chip that loses nothing.", params=[do])
    snnc.serve(snnc.Plugin("acme/chips", "1.0.0", targets=[snnc.Target(component, check, compile, trace)]))
