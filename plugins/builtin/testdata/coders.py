"""Writes coders.json: spike trains of SpikingJelly's weighted phase encoder, and spike times of snnTorch's latency code.

    pip install torch spikingjelly==2.0.0 snntorch==1.0.0
    python3 coders.py > coders.json
"""

import json

import torch
from snntorch import spikegen
from spikingjelly.activation_based import encoding

torch.set_default_dtype(torch.float64)
torch.manual_seed(2)

values = torch.cat([torch.rand(20) * (1 - 2**-6), torch.tensor([0, 0.5, 0.25, 1 / 64, 0.984375])])
encoder = encoding.WeightedPhaseEncoder(6)
phase = torch.stack([encoder(values) for _ in range(12)])  # two periods

bright = torch.cat([0.21 + 0.79 * torch.rand(20), torch.tensor([1.0])])
times = spikegen.latency_code_log(bright, threshold=0.2, tau=5)

print(json.dumps({"phase": {"x": values.tolist(), "spikes": phase.int().tolist()}, "latency": {"x": bright.tolist(), "times": times.tolist()}}))
