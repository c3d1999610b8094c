"""Writes foreign.safetensors with the Python package safetensors: what Read must understand though Write did not make it."""

import pathlib

import numpy
from safetensors.numpy import save_file

save_file(
    {
        "weights": numpy.array([[1, -2.5, 3e-8], [0, numpy.inf, -0.0]], dtype=numpy.float32),
        "mean": numpy.array(0.1, dtype=numpy.float64),
        "order": numpy.array([3, -1], dtype=numpy.int32),
        "offsets": numpy.array([-(2**63), 2**63 - 1], dtype=numpy.int64),
        "seed": numpy.array([2**64 - 1], dtype=numpy.uint64),
        "bits": numpy.array([0, 1, 255], dtype=numpy.uint8),
        "empty": numpy.zeros((0, 4), dtype=numpy.float32),
    },
    pathlib.Path(__file__).with_name("foreign.safetensors"),
    metadata={"format": "np", "größe": "7 \"µ\""},
)
