"""Writes change.txt: pictures that Pillow cuts, converts, frames and resizes, each followed by the result, in hex.

Run as: python3 change.py > change.txt, with the packages numpy 2.4 and pillow 13.
"""
import numpy as np
from PIL import Image, ImageOps

rng = np.random.default_rng(7)


def cut(image, height, width):
    # torchvision.transforms.functional.center_crop
    top, left = int(round((image.height - height) / 2.0)), int(round((image.width - width) / 2.0))
    return image.crop((left, top, left + width, top + height))


for (h, w, c), crop, channels, pad, size in [
    ((13, 11, 3), None, 3, 0, (6, 4)), ((13, 11, 3), None, 1, 0, (13, 11)), ((12, 17, 3), (9, 9), 3, 0, (4, 4)),
    ((12, 17, 3), (7, 12), 1, 0, (16, 5)), ((7, 7, 1), None, 1, 0, (8, 8)), ((7, 7, 1), None, 1, 2, (11, 11)),
    ((7, 9, 1), None, 3, 1, (12, 12)), ((5, 30, 3), None, 3, 0, (5, 7)), ((30, 5, 3), None, 3, 0, (7, 5)),
    ((28, 28, 1), None, 1, 0, (32, 32)), ((22, 18, 3), (15, 15), 3, 0, (6, 6)),
]:
    pixels = rng.integers(0, 256, (h, w, c)).astype(np.uint8)
    pixels[rng.random((h, w)) < 0.2] = 255
    image = Image.fromarray(pixels if c == 3 else pixels[:, :, 0])
    if crop:
        image = cut(image, *crop)
    image = image.convert("L" if channels == 1 else "RGB")
    if pad:
        image = ImageOps.expand(image, pad, 0)
    image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    print(h, w, c, *(crop or (0, 0)), channels, pad, *size)
    print(pixels.tobytes().hex())
    print(np.asarray(image).tobytes().hex())
