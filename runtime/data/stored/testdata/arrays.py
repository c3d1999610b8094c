"""Writes the arrays that arrays_test.go reads, as NumPy saves them.

Run as: python3 arrays.py, in this folder, with the package numpy 2.4.
"""
import gzip
import struct

import numpy as np

i, y, x = np.mgrid[0:3, 0:2, 0:4]
grey = (40 * i + 3 * (4 * y + x)).astype(np.uint8)
colour = np.stack([grey, grey + 1, grey + 2], axis=3).astype(np.uint8)
labels = np.array([7, 0, 9])

np.save("grey.npy", grey)
np.save("last.npy", colour)
np.save("first.npy", np.ascontiguousarray(colour.transpose(0, 3, 1, 2)))
np.save("truth.npy", (i + y + x) % 2 == 1)
with open("version2.npy", "wb") as f:
    np.lib.format.write_array(f, grey, version=(2, 0))
np.save("labels-u1.npy", labels.astype("u1"))
np.save("labels-i8.npy", labels.astype("<i8"))
np.save("labels-big.npy", labels.astype(">i2"))
np.save("labels-column.npy", labels.astype("<i4")[:, None])
np.savez_compressed("all.npz", x_train=grey, y_train=labels)
with gzip.GzipFile("grey.idx.gz", "wb", mtime=0) as f:
    f.write(struct.pack(">BBBBIII", 0, 0, 8, 3, *grey.shape) + grey.tobytes())
