"""A model that does in Build what its argument says."""

import json
import os
import sys
import time

import snnc
from snnc.schema import MODEL, REAL, STRING

print("loading weights")
print("1|2|3|4")
print("half a line 1", end="")


def deep(n: int) -> None:
    """Fails below places of its own, in a library."""
    if n:
        deep(n - 1)
    json.loads("nothing")


def build(r: snnc.BuildRequest) -> str:
    """A Program that draws a constant."""
    do = r.arguments.text("do")
    if do == "raise":
        raise ValueError("the moon is full")
    if do == "long":
        raise ValueError("é" * 100_000)
    if do == "refuse":
        raise snnc.refuse("value", "too small", "make it larger")
    if do == "graph":
        snnc.Builder("f").reshape(snnc.Builder("g").const(1), 2)
    if do == "deep":
        deep(5)
    if do == "exit":
        print("goodbye", flush=True)
        os._exit(7)
    if do == "quit":
        sys.exit(3)
    if do == "process":
        time.sleep(0.05)
    if do == "print":
        for out in (sys.stdout, sys.stderr):
            out.write('{"@message": 5}\n' + "long " * 200_000 + "\n" + "a line\n" * 20_000)
        os.write(1, b"\xff\xfe\n")
    if do in ("big", "huge"):
        raise snnc.refuse("", "x" * ((20 if do == "big" else 64) << 20))
    b = snnc.ProgramBuilder()
    value = os.getpid() if do == "process" else r.arguments.real("value")
    b.function("draw", lambda f: f.output("image", f.expand(f.const(value), snnc.real(1, 2, 2))))
    b.sampler(snnc.Sampler("draw", "draw"))
    return b.finish()


snnc.serve(
    snnc.Plugin(
        "acme/odd",
        "1.0.0",
        models=[
            snnc.Model(
                snnc.Component(
                    MODEL,
                    "odd",
                    "1.0",
                    "Draws a constant.",
                    params=[snnc.Param("value", REAL, default="1"), snnc.Param("do", STRING, default='""')],
                ),
                build,
            )
        ],
    )
)
