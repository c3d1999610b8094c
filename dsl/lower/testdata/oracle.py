"""Writes oracle.json: what layers give for random inputs and weights, computed in float64 with numpy by other means than the
graphs that they are compared with (index sums, math.erf, loops).

    python3 oracle.py > oracle.json
"""

import json
import math

import numpy as np

r = np.random.default_rng(3)
cases = []


def pack(x):
    x = np.asarray(x)
    return {"shape": list(x.shape), "data": [float(f"{v:.15g}") for v in x.astype(float).ravel()]}


def case(spec, want, mode="train", variables=None, assigned=None, tolerance=1e-12, **inputs):
    cases.append(dict(spec=spec, mode=mode, inputs={k: pack(v) for k, v in inputs.items()}, y=pack(want), tolerance=tolerance,
                      variables={k: pack(v) for k, v in (variables or {}).items()},
                      assigned={k: pack(v) for k, v in (assigned or {}).items()}))


n = r.normal

# Activations.
x = np.concatenate([n(0, 2, (3, 5)), [[0, -8, 8, 1e-3, -1]]])
phi = np.vectorize(lambda v: 0.5 * (1 + math.erf(v / math.sqrt(2))))(x)
case("network f(x: real[5]) -> real[5] { return x -> gelu }", x * phi, tolerance=0.76e-7, x=x)  # the tail is off by 0.75e-7, times |x|
case("network f(x: real[5]) -> real[5] { return x -> relu }", np.where(x > 0, x, 0), x=x)
case("network f(x: real[5]) -> real[5] { return x -> leaky_relu(0.2) }", np.where(x > 0, x, 0.2 * x), x=x)
case("network f(x: real[5]) -> real[5] { return x -> swish }", x / (1 + np.exp(-x)), x=x)
e = np.array([[math.exp(v) for v in row] for row in x])
case("network f(x: real[5]) -> real[5] { return x -> softmax }", e / e.sum(1, keepdims=True), x=x)

# Pools: windows that do not fill the map are left out.
x = n(size=(2, 3, 5, 4))
windows = np.array([[[[x[b, c, 2 * i:2 * i + 2, 2 * j:2 * j + 2] for j in range(2)] for i in range(2)] for c in range(3)] for b in range(2)])
case("network f(x: real[3, 5, 4]) -> real[3, 2, 2] { return x -> maxpool(2) }", windows.max((-1, -2)), x=x)
case("network f(x: real[3, 5, 4]) -> real[3, 2, 2] { return x -> avgpool(2) }", windows.sum((-1, -2)) / 4, x=x)
case("network f(x: real[3, 5, 4]) -> real[3, 10, 8] { return x -> upsample(2) }", np.kron(x, np.ones((1, 1, 2, 2))), x=x)

# Norms.
x, w, b = n(1, 2, (3, 4, 2, 2)), n(size=4), n(size=4)
mean, var = n(size=4), r.uniform(0.5, 2, 4)
names = {"1.weight": w, "1.bias": b, "1.running_mean": mean, "1.running_var": var}
flat = x.transpose(1, 0, 2, 3).reshape(4, -1)
m, v = flat.sum(1) / 12, ((flat - flat.sum(1, keepdims=True) / 12) ** 2).sum(1) / 12
ch = lambda a: a[None, :, None, None]
case("network f(x: real[4, 2, 2]) -> real[4, 2, 2] { return x -> batchnorm(scale = 0.5, momentum = 0.2, epsilon = 0.01) }",
     0.5 * ch(w) * (x - ch(m)) / np.sqrt(ch(v) + 0.01) + ch(b), variables=names,
     assigned={"1.running_mean": 0.8 * mean + 0.2 * m, "1.running_var": 0.8 * var + 0.2 * v * 12 / 11}, x=x)
case("network f(x: real[4, 2, 2]) -> real[4, 2, 2] { return x -> batchnorm(scale = 0.5, momentum = 0.2, epsilon = 0.01) }",
     0.5 * ch(w) * (x - ch(mean)) / np.sqrt(ch(var) + 0.01) + ch(b), mode="eval", variables=names, x=x)

x = n(1, 2, (3, 5, 4))  # [T N C]
m, v = x.mean((0, 1)), x.var((0, 1))
case("network f(x: signal[4]) -> signal[4] { return x -> batchnorm }", w * (x - m) / np.sqrt(v + 1e-5) + b, variables=names,
     assigned={"1.running_mean": 0.9 * mean + 0.1 * m, "1.running_var": 0.9 * var + 0.1 * v * 15 / 14}, x=x)
m, v = x.mean(1), x.var(1)
rm, rv = mean, var
for t in range(3):
    rm, rv = 0.9 * rm + 0.1 * m[t], 0.9 * rv + 0.1 * v[t] * 5 / 4
case("network f(x: signal[4]) -> signal[4] { return x -> batchnorm(over = step) }",
     w * (x - m[:, None]) / np.sqrt(v[:, None] + 1e-5) + b, variables=names,
     assigned={"1.running_mean": rm, "1.running_var": rv}, x=x)

x = n(1, 2, (3, 4, 2, 2))
groups = x.reshape(3, 2, 8)
z = ((groups - groups.mean(2, keepdims=True)) / np.sqrt(groups.var(2, keepdims=True) + 1e-5)).reshape(3, 4, 2, 2)
case("network f(x: real[4, 2, 2]) -> real[4, 2, 2] { return x -> groupnorm(2) }", z * ch(w) + ch(b), variables={"1.weight": w, "1.bias": b}, x=x)
w, b = n(size=(4, 2, 2)), n(size=(4, 2, 2))
z = (x - x.mean((1, 2, 3), keepdims=True)) / np.sqrt(x.var((1, 2, 3), keepdims=True) + 1e-5)
case("network f(x: real[4, 2, 2]) -> real[4, 2, 2] { return x -> layernorm }", z * w + b, variables={"1.weight": w, "1.bias": b}, x=x)

# Attention: one place after another.
for heads in 1, 2:
    c, width = 4, 4 // heads
    x = n(size=(2, c, 2, 3))
    names = {f"1.{part}.{kind}": n(size=(c, c) if kind == "weight" else c) for part in ("query", "key", "value", "result") for kind in ("weight", "bias")}
    p = lambda part, v: names[f"1.{part}.weight"] @ v + names[f"1.{part}.bias"]
    y = np.zeros((2, c, 6))
    for example in range(2):
        places = [x[example].reshape(c, 6)[:, i] for i in range(6)]
        for i in range(6):
            out = np.zeros(c)
            for h in range(heads):
                part = slice(h * width, (h + 1) * width)
                s = [math.exp(p("query", places[i])[part] @ p("key", k)[part] / math.sqrt(width)) for k in places]
                out[part] = sum(a / sum(s) * p("value", k)[part] for a, k in zip(s, places))
            y[example, :, i] = p("result", out)
    case(f"network f(x: real[4, 2, 3]) -> real[4, 2, 3] {{ return x -> attention({heads}) }}", y.reshape(2, c, 2, 3), variables=names, x=x)

# Tables. The time embedding of Ho et al. 2020 in the interleaved form.
s = np.array([0, 1, 7, 49])
table = np.array([[f(k * math.exp(-2 * i / 6 * math.log(10000))) for i in range(3) for f in (math.sin, math.cos)] for k in range(50)])
case("network f(s: step) -> real[6] { return s -> sinusoid(6, count = 50) }", table[s], s=s)
t, tokens = n(size=(9, 4)), r.integers(0, 9, (2, 2, 3))
y = np.array([[[[t[tokens[b, i, j], k] for j in range(3)] for i in range(2)] for k in range(4)] for b in range(2)])
case("network f(c: tokens[2, 3]) -> real[4, 2, 3] { return c -> embedding(4, 9) }", y, variables={"1.weight": t}, c=tokens)
case("network f(c: tokens[2, 3]) -> real[1, 2, 3] { return c -> raw }", tokens[:, None], c=tokens)
case("network f(s: step) -> real[1, 2, 3] { return s -> raw -> expand(2, 3) }", np.ones((4, 1, 2, 3)) * s[:, None, None, None], s=s)

# A transposed convolution, by what each input adds.
x, w, b = n(size=(2, 3, 3, 3)), n(size=(3, 2, 4, 4)), n(size=2)
full = np.zeros((2, 2, 8, 8))
for i in range(3):
    for j in range(3):
        full[:, :, 2 * i:2 * i + 4, 2 * j:2 * j + 4] += np.einsum("bc,cokl->bokl", x[:, :, i, j], w)
case("network f(x: real[3, 3, 3]) -> real[2, 6, 6] { return x -> deconv(2, kernel = 4, stride = 2) }",
     full[:, :, 1:7, 1:7] + b[None, :, None, None], variables={"1.weight": w, "1.bias": b}, x=x)

# Arithmetic aligns from the channel axis.
x, y = n(size=(2, 2, 3, 3)), r.uniform(1, 2, (2, 2))
case("network f(x: real[2, 3, 3], y: real[2]) -> real[2, 3, 3] { return (2 - x) * y / 4 - -y }",
     (2 - x) * y[:, :, None, None] / 4 + y[:, :, None, None], x=x, y=y)

# Windows that are not square, overlap, or reach beyond the map, of which what lies outside does not count.
def over(x, high, wide, stride, up, left, f):
    """f of what of the map x is in each window, with where in the window it is."""
    rows, cols = ((size + 2 * pad - k) // stride + 1 for size, pad, k in ((x.shape[2], up, high), (x.shape[3], left, wide)))
    out = []
    for i in range(rows):
        for j in range(cols):
            t, l = i * stride - up, j * stride - left
            a, b, c, d = max(t, 0), min(t + high, x.shape[2]), max(l, 0), min(l + wide, x.shape[3])
            out.append(f(x[:, :, a:b, c:d], slice(a - t, b - t), slice(c - l, d - l)))
    return np.moveaxis(np.array(out), 0, -1).reshape(*out[0].shape, rows, cols)


x = n(-2, 1, (2, 3, 5, 6))  # mostly below the 0 of a pad
for layer, f in ("maxpool", lambda v, *_: v.max((2, 3))), ("avgpool", lambda v, *_: v.sum((2, 3)) / (v.shape[2] * v.shape[3])):
    for k, stride, pad in (3, 1, 1), (3, 2, 0), (3, 2, 1), (4, 3, 2), (2, 2, 1):
        y = over(x, k, k, stride, pad, pad, f)
        case(f"network f(x: real[3, 5, 6]) -> real[3, {y.shape[2]}, {y.shape[3]}] {{ return x -> {layer}({k}, stride = {stride}, pad = {pad}) }}", y, x=x)
for high, wide, more, stride, up, left in (1, 5, "", 1, 0, 2), (3, 1, "", 1, 1, 0), (3, 2, ", pad = 1", 1, 1, 1), (1, 3, ", stride = 2", 2, 0, 1):
    w, b = n(size=(4, 3, high, wide)), n(size=4)
    y = over(x, high, wide, stride, up, left, lambda v, r, c: np.einsum("bikl,oikl->bo", v, w[:, :, r, c])) + b[None, :, None, None]
    case(f"network f(x: real[3, 5, 6]) -> real[4, {y.shape[2]}, {y.shape[3]}] {{ return x -> conv(4, kernel = {high}, width = {wide}{more}) }}", y,
         variables={"1.weight": w, "1.bias": b}, x=x)

print(json.dumps(cases))
