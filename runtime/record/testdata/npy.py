"""Writes the arrays that the tests of samples compare with, as NumPy writes them.

    pip install numpy==2.4.6 && python npy.py

Element i of each array is (i % 17 - 8) / 8.
"""
import numpy as np

for name, shape in [("grey", (3, 1, 2, 3)), ("colour", (2, 3, 4, 2))]:
    i = np.arange(np.prod(shape))
    np.save(name + ".npy", ((i % 17 - 8) / 8).astype("<f4").reshape(shape))
