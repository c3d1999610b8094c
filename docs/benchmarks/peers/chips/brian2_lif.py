"""A group of brian2-loihi's neurons, whose code Cython or numpy runs."""

import numpy as np
from brian2 import prefs
from brian2_loihi import LoihiNetwork, LoihiNeuronGroup, LoihiSpikeGeneratorGroup, LoihiSpikeMonitor, LoihiSynapses, synapse_sign_mode

import step

a = step.arguments(__doc__, ("--code", ("cython", "numpy")))
prefs.codegen.target = a.code
random, targets, weights = step.network(a)
n = a.compartments
times, indices = np.nonzero(random.random((5 + a.repeat * a.steps, n)) < step.ACTIVITY)
source = LoihiSpikeGeneratorGroup(n, indices, times)
layer = LoihiNeuronGroup(n, refractory=1, threshold_v_mant=230, decay_v=409, decay_I=4096)
drive = LoihiSynapses(source, layer, sign_mode=synapse_sign_mode.EXCITATORY)
drive.connect(j="i")
drive.w = 254
within = LoihiSynapses(layer, layer, sign_mode=synapse_sign_mode.MIXED)
within.connect(i=np.repeat(np.arange(n), a.synapses), j=targets.ravel())
within.w = 2 * weights.ravel()
spikes = LoihiSpikeMonitor(layer)
net = LoihiNetwork(source, layer, drive, within, spikes)
step.report(a, net.run, lambda: len(spikes.i), ["brian2-loihi", "brian2", "numpy"])
