"""Two of the neurons of opaque.py, whose calls note their times in a file: BenchmarkOpaque of runtime/host reads it."""

from __future__ import annotations

import os
import threading
import time
from typing import Callable

import numpy as np
from opaque import component, dry, leaky

import snnc
from snnc import Forward, Param, Prepared, Use
from snnc.schema import REAL, Opaque

TIMES = np.memmap(os.environ["SNNC_TEST_TIMES"], np.int64)  # how many calls there are, and begin and end of each
LOCK = threading.Lock()


def timed(prepare: Callable[[Use], Prepared]) -> Callable[[Use], Prepared]:
    """The same, with each Forward noted by the clock that is one for all processes."""

    def prepared(u: Use) -> Prepared:
        own = prepare(u)

        def forward(f: Forward) -> None:
            begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            own.forward(f)
            end = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            with LOCK:
                at = TIMES[0]
                TIMES[1 + 2 * at : 3 + 2 * at] = begin, end
                TIMES[0] = at + 1

        return Prepared(forward, own.backward, own.states, own.saved)

    return prepared


if __name__ == "__main__":
    params = [Param(name, REAL, default="2", min=0) for name in ("tau", "threshold")]
    neurons = [
        snnc.Opaque(component("leaky", Opaque(spikes=True, gradient=True), *params), timed(leaky)),
        snnc.Opaque(component("dry", Opaque()), timed(dry)),
    ]
    snnc.serve(snnc.Plugin("snnc", "0.3.1", opaque=neurons))
