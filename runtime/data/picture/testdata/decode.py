"""Writes small pictures in the formats and modes that people have, and decode.txt: what Pillow reads out of each, on white where it
is transparent, in hex.

Run as: python3 decode.py, in this folder, with the packages numpy 2.4 and pillow 13.
"""
import io

import numpy as np
from PIL import Image

y, x = np.mgrid[0:9, 0:14]
# Smooth, so that JPEG decoders differ by rounding alone.
rgb = np.stack([10 + 15 * x, 20 + 20 * y, 120 + 5 * x - 4 * y], axis=2).astype(np.uint8)
grey = rgb[:, :, 0]
with open("decode.txt", "w") as out:
    for name, image, options in [
        ("rgb.png", Image.fromarray(rgb), {}), ("grey.png", Image.fromarray(grey), {}), ("palette.png", Image.fromarray(rgb).quantize(16), {}),
        ("alpha.png", Image.fromarray(np.dstack([rgb, 255 - 9 * x]).astype(np.uint8)), {}),
        ("clear.png", Image.fromarray(rgb).quantize(16), {"transparency": 3}), ("clear.gif", Image.fromarray(grey), {"transparency": 55}),
        ("rgb.jpg", Image.fromarray(rgb), {"quality": 95, "subsampling": 0}), ("grey.jpg", Image.fromarray(grey), {"quality": 95}),
        ("grey.gif", Image.fromarray(grey), {}), ("lossless.webp", Image.fromarray(rgb), {"lossless": True}), ("rgb.webp", Image.fromarray(rgb), {"quality": 100}),
        ("alpha.webp", Image.fromarray(np.dstack([rgb, 255 - 9 * x]).astype(np.uint8)), {"quality": 90}), ("odd.webp", Image.fromarray(rgb[:, :13]), {"quality": 70}),
    ]:
        image.save(name, **options)
        back = Image.open(name)
        if back.has_transparency_data:
            layers = np.asarray(back.convert("RGBA")).astype(int)
            opaque = layers[:, :, 3:]
            back = Image.fromarray(((opaque * layers[:, :, :3] + (255 - opaque) * 255 + 127) // 255).astype(np.uint8))
        back = back.convert("L" if back.mode == "L" and not name.endswith("gif") else "RGB")
        print(name, back.height, back.width, len(back.getbands()), np.asarray(back).tobytes().hex(), file=out)
