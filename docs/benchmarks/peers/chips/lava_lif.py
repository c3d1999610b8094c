"""A layer of lava's fixed-point LIF on the CPU."""

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIF
from lava.proc.sparse.process import Sparse
from scipy.sparse import csr_matrix, identity

import step

a = step.arguments(__doc__)
random, targets, weights = step.network(a)
n = a.compartments
source = RingBuffer(data=(random.random((n, 64)) < step.ACTIVITY).astype(int))
drive = Sparse(weights=csr_matrix(identity(n, dtype=int) * 254))
rows, columns = targets.ravel(), np.repeat(np.arange(n), a.synapses)
within = Sparse(weights=csr_matrix((2 * weights.ravel(), (rows, columns)), shape=(n, n)).astype(int))
layer = LIF(shape=(n,), du=4095, dv=409, vth=230)
source.s_out.connect(drive.s_in)
drive.a_out.connect(layer.a_in)
layer.s_out.connect(within.s_in)
within.a_out.connect(layer.a_in)
how = Loihi2SimCfg(select_tag="fixed_pt", select_sub_proc_model=True)
step.report(a, lambda steps: layer.run(condition=RunSteps(num_steps=steps), run_cfg=how), None, ["lava-nc", "numpy"])
layer.stop()
