"""What the programs of the emulators share: arguments, the network, timing, and the report in JSON."""

import argparse
import importlib.metadata
import json
import os
import statistics
import time

import numpy as np

ACTIVITY = 0.05  # share of compartments that are made to spike at a step


def arguments(description, *choices):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--compartments", type=int, default=131_072)
    parser.add_argument("--synapses", type=int, default=64, help="of each compartment")
    parser.add_argument("--steps", type=int, default=20, help="of a timed call")
    parser.add_argument("--repeat", type=int, default=5)
    for name, words in choices:
        parser.add_argument(name, choices=words, default=words[0])
    return parser.parse_args()


def network(a):
    """Targets and weights [compartments, synapses] within -2..2, twice of which are the mantissas."""
    random = np.random.default_rng(1)
    targets = random.integers(0, a.compartments, (a.compartments, a.synapses))
    return random, targets, random.integers(-2, 3, targets.shape)


def report(a, run, spikes, packages):
    """Times run, which takes a number of steps, and prints the milliseconds of a step. spikes returns how many there were in all, or is
    None."""
    run(5)
    spans = []
    for _ in range(a.repeat):
        start = time.monotonic()
        run(a.steps)
        spans.append(1e3 * (time.monotonic() - start) / a.steps)
    steps = 5 + a.repeat * a.steps
    print(
        json.dumps(
            {
                "figures": {
                    "step": {"median": statistics.median(spans), "min": min(spans), "max": max(spans), "repeats": len(spans)}
                },
                "rates": [spikes() / steps / a.compartments] if spikes else [],
                "threads": os.cpu_count(),
                "versions": {name: importlib.metadata.version(name) for name in packages},
            }
        ),
        flush=True,
    )
