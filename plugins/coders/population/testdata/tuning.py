"""Writes tuning.json: spike times of SpikingJelly's GaussianTuning, in units of the window.

    pip install torch spikingjelly==2.0.0
    python3 tuning.py > tuning.json
"""

import json

import torch
from spikingjelly.timing_based import encoding

torch.set_default_dtype(torch.float64)
torch.manual_seed(4)

low, high, neurons, steps = -1.0, 3.0, 6, 20
x = torch.cat([low + (high - low) * torch.rand(22), torch.tensor([low, high])]).reshape(12, 2)  # examples of two values
encoder = encoding.GaussianTuning(2, neurons, torch.full((2,), low), torch.full((2,), high))
times, index, offsets = encoder(x.unsqueeze(-1), duration=float(steps))

dense = []  # by example, of all neurons; the end of the window where there is no spike
for i in range(len(x)):
    row = [float(steps)] * (2 * neurons)
    for t, k in zip(times[offsets[i] : offsets[i + 1]].tolist(), index[offsets[i] : offsets[i + 1]].tolist()):
        row[k] = t
    dense.append(row)
print(json.dumps({"low": low, "high": high, "neurons": neurons, "steps": steps, "x": x.tolist(), "times": dense}))
