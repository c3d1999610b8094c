"""Writes optimizers.json: parameters after each of six updates by PyTorch's optimisers with the gradients given, for
optimizer_test.go. Needs torch."""

import json
import math
import pathlib

import torch

start = [0.5, -1.25, 2.0, 0.0, -0.001]
gradients = [[0.1 * (i + 1) * (-1) ** (i * k) + 0.01 * k for i in range(5)] for k in range(1, 7)]

cases = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd momentum decay": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, lr=5e-3),
    "adam betas decay": lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.5, 0.99), eps=1e-6, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01),
    "adamw decay": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=1e-3),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=2e-3),
    "adam clip": lambda p: torch.optim.Adam(p, lr=0.01),
    "adam warmup cosine": lambda p: torch.optim.Adam(p, lr=0.01),
}

out = {"start": start, "gradients": gradients, "after": {}}
for name, make in cases.items():
    w = torch.tensor(start, requires_grad=True)
    optimizer = make([w])
    schedule = None
    if name == "adam warmup cosine":  # warm-up over 3 updates times half a cosine over 6
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda n: min(1, (n + 1) / 3) * (1 + math.cos(math.pi * n / 6)) / 2
        )
    rows = []
    for g in gradients:
        w.grad = torch.tensor(g)
        if name == "adam clip":
            torch.nn.utils.clip_grad_norm_([w], 0.3)
        optimizer.step()
        if schedule:
            schedule.step()
        rows.append([float(x) for x in w.detach()])
    out["after"][name] = rows

pathlib.Path(__file__).with_name("optimizers.json").write_text(json.dumps(out, indent=1) + "\n")
