"""Writes resize.txt: images resized by Pillow (bilinear, where an axis grows) and OpenCV (area, where it shrinks), not rounded.

Run as: python3 resize.py > resize.txt, with the packages numpy 2.4, pillow 13 and opencv-python-headless 5.0.
"""
import cv2
import numpy as np
from PIL import Image


def grow(image, height, width):
    # Mode F keeps floats between the passes along the two axes and does not round.
    return np.asarray(Image.fromarray(image, mode="F").resize((width, height), Image.Resampling.BILINEAR))


def shrink(image, height, width):
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def resize(image, height, width):
    h, w = image.shape
    image = grow(image, max(h, height), max(w, width))
    return shrink(image, height, width)


rng = np.random.default_rng(3)
for size, to in [((7, 5), (9, 12)), ((7, 5), (7, 11)), ((8, 8), (10, 10)), ((1, 1), (3, 2)), ((1, 6), (4, 8)), ((8, 8), (5, 3)),
                 ((8, 8), (4, 2)), ((9, 4), (7, 4)), ((12, 10), (5, 1)), ((6, 5), (4, 13)), ((3, 11), (17, 7)), ((28, 28), (16, 16)), ((14, 14), (16, 16))]:
    image = rng.integers(0, 256, size).astype(np.float32)
    image[rng.random(size) < 0.3] = 0
    image[rng.random(size) < 0.2] = 255
    print(*size, *to)
    for name, x in [("from", image), ("to", resize(image, *to))]:
        assert x.shape == (size if name == "from" else to)
        print(name, *(f"{v:.4f}".rstrip("0").rstrip(".") for v in x.ravel()))
