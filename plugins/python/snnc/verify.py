"""Whether circuits hold together: what a target need not ask again."""

from __future__ import annotations

import math

from .circuit import (
    BY,
    CONV,
    DECONV,
    DENSE,
    DRIVE,
    NONE,
    POOL,
    SAME,
    SPIKES,
    TO,
    Circuit,
    Population,
    Synapses,
    View,
    size,
)

_MAX_ELEMENTS = 1 << 31
_MAX_SIDE = 1 << 20


class BadCircuit(ValueError):
    """A circuit that does not hold together: what is wrong, and where."""


def verify(circuits: list[Circuit]) -> None:
    """Raises BadCircuit where names, dims, numbers, connections, depths or delays are wrong, or two circuits have one name."""
    if len({c.name for c in circuits}) < len(circuits):
        raise BadCircuit("two circuits have the same name")
    for c in circuits:
        try:
            _circuit(c)
        except BadCircuit as e:
            raise BadCircuit(f'circuit "{c.name}": {e}') from None


def _want(good: bool, says: str) -> None:
    if not good:
        raise BadCircuit(says)


def _circuit(c: Circuit) -> None:
    _want(c.name != "", "it has no name")
    _want(1 <= c.steps <= _MAX_SIDE, f"{c.steps} time steps are not 1 to {_MAX_SIDE}")
    _want(len(c.populations) > 0, "it has no population")
    for i, x in enumerate(c.inputs):
        _dims(x.dims, f"input {i}")
        _want(x.kind in (SPIKES, DRIVE), f'input {i}: kind "{x.kind}" is neither "{SPIKES}" nor "{DRIVE}"')
    for k, p in enumerate(c.populations):
        _want(p.name != "", f"population {k} has no name")
        _want(all(p.name != q.name for q in c.populations[:k]), f'two populations are called "{p.name}"')
        try:
            _population(c, k, p)
        except BadCircuit as e:
            raise BadCircuit(f"population {p.name}: {e}") from None


def _dims(dims: list[int], what: str) -> None:
    shape = len(dims) in (1, 3) and all(d >= 1 for d in dims) and size(dims) <= _MAX_ELEMENTS
    _want(shape, f"{what}: dims {dims} are neither [channels, height, width] nor [n], or too large")


def _population(c: Circuit, k: int, p: Population) -> None:
    _dims(p.dims, "it")
    _dynamics(p)
    if p.bias:
        _want(
            p.bias.dims in (p.dims, p.dims[:1]),
            f"a bias of {p.bias.dims} is neither one per channel of {p.dims} nor one per neuron",
        )
    for d in p.drive:
        known = 0 <= d < len(c.inputs) and c.inputs[d].kind == DRIVE and size(c.inputs[d].dims) == size(p.dims)
        _want(known, f'drive {d} is not an input of kind "{DRIVE}" for {p.dims}')
    for i, s in enumerate(p.synapses):
        try:
            _synapses(c, k, p, s)
        except BadCircuit as e:
            raise BadCircuit(f"synapses {i}: {e}") from None
    depths = [0 if s.population < 0 else c.populations[s.population].depth for s in p.synapses]
    step = 0 if p.late else 1
    want = max([0, *depths]) + step
    _want(p.depth == want, f"its depth is {p.depth}, and by its sources it should be {want}")
    for i, (s, depth) in enumerate(zip(p.synapses, depths)):
        delay = want - step - depth
        _want(
            s.delay == delay,
            f"synapses {i}: their delay is {s.delay}, and from a source of depth {depth} it should be {delay}",
        )
    if m := p.measured:
        numbers = all(math.isfinite(x) for x in (m.rate, m.active, m.low, m.high)) and m.low <= m.high
        good = (
            numbers
            and m.examples >= 1
            and 0 <= m.rate <= 1
            and 0 <= m.active <= 1
            and (not m.rates or m.rates.dims == p.dims)
        )
        _want(good, f"what was measured makes no sense: {m}")


def _dynamics(p: Population) -> None:
    numbers = (p.decay, p.current_decay, p.start, p.threshold, p.reset.value, p.scale)
    _want(all(map(math.isfinite, numbers)), f"a number of its dynamics is not finite: {numbers}")
    _want(0 <= p.decay <= 1, f"a membrane with decay {p.decay} is none: it is 0 to 1")
    _want(0 <= p.current_decay <= 1, f"a current with decay {p.current_decay} is none: it is 0 to 1")
    _want(p.current or p.current_decay == 0, "it has a decay of a current, and no current")
    _want(0 <= p.refractory <= _MAX_SIDE, f"a refractory time of {p.refractory} steps does not work")
    if p.reads:
        bare = not (p.late or p.once or p.refractory) and (
            p.reset.kind == NONE or (p.reset.kind, p.reset.value) == ("", 0)
        )
        _want(bare, "a read-out has no spikes: it is not late, has no reset and no refractory time, and fires not once")
        _want(p.scale != 0, "a read-out of scale 0 gives nothing")
    else:
        _want(p.reset.kind in (TO, BY, NONE), f'reset "{p.reset.kind}" is none of "{TO}", "{BY}" and "{NONE}"')


def _synapses(c: Circuit, k: int, p: Population, s: Synapses) -> None:
    _want(-1 <= s.population < k, f"population {s.population} is not one before {k}, nor -1")
    if s.population >= 0:
        _want(not c.populations[s.population].reads, f"population {s.population} is a read-out, which gives no spikes")
    else:
        known = 0 <= s.input < len(c.inputs) and c.inputs[s.input].kind == SPIKES
        _want(known, f'input {s.input} is not one of kind "{SPIKES}"')
    _view(s.view, size(c.source(s)))
    into, out = s.view.dims, p.dims
    _want(s.kind in (DENSE, CONV, DECONV, SAME, POOL), f'kind "{s.kind}" is none of synapses')
    if s.kind in (DENSE, SAME):
        _want(s.kernel == s.stride == s.pad == 0, f"synapses of kind {s.kind} have no kernel, stride or pad")
        _want(s.kind == DENSE or size(into) == size(out), f"elements of {into} are not those at the places of {out}")
        want = [size(out), size(into)] if s.kind == DENSE else [1]
    else:
        _want(len(into) == len(out) == 3, f"synapses of kind {s.kind} lead from maps to maps, not from {into} to {out}")
        works = 1 <= s.kernel <= _MAX_SIDE and 1 <= s.stride <= _MAX_SIDE and 0 <= s.pad <= _MAX_SIDE
        _want(works, f"a kernel of {s.kernel}, a stride of {s.stride} or a pad of {s.pad} does not work")
        _want(s.kind != POOL or into[0] == out[0], f"a pool keeps channels: {into} to {out}")
        for a, b in zip(into[1:], out[1:]):
            large, small = (b, a) if s.kind == DECONV else (a, b)  # the transpose of a conv that gives its input
            leads = large + 2 * s.pad >= s.kernel and (large + 2 * s.pad - s.kernel) // s.stride + 1 == small
            how = f"kernel {s.kernel}, stride {s.stride} and pad {s.pad}"
            _want(leads, f"a {s.kind} of {how} does not lead from {into} to {out}")
        channels = {CONV: [out[0], into[0]], DECONV: [into[0], out[0]]}
        want = [*channels[s.kind], s.kernel, s.kernel] if s.kind in channels else [1]
    _want(s.weights.dims == want, f"weights of {s.weights.dims}: a {s.kind} from {into} has those of {want}")
    _want(size(want) <= _MAX_ELEMENTS, f"weights of {want} are too many")


def _view(v: View, elements: int) -> None:
    _dims(v.from_, "view")
    _dims(v.dims, "view")
    _want(
        0 <= v.offset <= elements - size(v.from_),
        f"view: elements {v.offset} to {v.offset + size(v.from_)} of {elements}",
    )
    _want(
        0 <= v.tall <= _MAX_SIDE and 0 <= v.wide <= _MAX_SIDE, f"view: rows {v.tall} times and columns {v.wide} times"
    )
    tall, wide = v.tall or 1, v.wide or 1
    _want(len(v.from_) == 3 or tall == wide == 1, f"view: {v.from_} has no rows and columns to repeat")
    whole = [v.from_[0], v.from_[1] * tall, v.from_[2] * wide] if len(v.from_) == 3 else v.from_
    _want(
        v.dims in (whole, [size(whole)]),
        f"view: {v.from_} with rows {tall} times and columns {wide} times is not {v.dims}",
    )
