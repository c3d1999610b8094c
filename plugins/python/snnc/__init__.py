"""What a plugin of snnc is made with, in Python: its main program is one call of serve with a Plugin.

Neurons and coders are equations as text; a model is a function that builds a Program with a ProgramBuilder, as one
traces a function; a coder with weights of its own gives a graph; a target says how networks lie on a chip. Nothing of
these is executed in the plugin: the host runs what they describe; but a target may emulate its chip, and opaque
components compute by themselves.

    import snnc

    LEAP = '''neuron leap(jump: real = 1) {
        input x
        state v = 0
        v = v + jump * x
        spike when v >= 1
        on spike { v = 0 }
    }'''

    snnc.serve(snnc.Plugin("acme/leap", "0.3.1", equations=[snnc.Component("neuron", "leap", "0.3.1", "Leaps.",
    equations=LEAP)]))

What several models have in common is written once: the sum of a loss (Function.loss), the class that networks are told
(Label), the range of the data (Function.clip).
"""

from . import circuit, graph, program, schema
from .chip import (
    Activity,
    Chip,
    Chips,
    Compiled,
    CompileReply,
    CompileRequest,
    Constant,
    Core,
    EmulateReply,
    Energy,
    Loss,
    NamedTensor,
    Run,
    Target,
    TraceReply,
    TraceRequest,
    Weights,
)
from .circuit import Circuit, Population, Synapses, Tensor
from .graph import (
    Builder,
    Equation,
    GraphError,
    Init,
    Module,
    Type,
    Variable,
    integer,
    parse,
    parse_type,
    print_module,
    real,
    scalar,
    signal,
    spikes,
    wire,
)
from .label import Label, drop_param, guidance_option, label_of, label_option, label_param, shortest_table
from .opaque import Backward, Forward, Opaque, Operators, Prepared, Use
from .plugin import BuildRequest, Coder, Model, Plugin, clip_param, difference_param
from .process import serve
from .program import SHEET_TURNS, Export, Function, Mode, ProgramBuilder, Role, Sampler, Stage, Step, Stream
from .schema import (
    Amount,
    Arguments,
    Choice,
    Complaint,
    Component,
    Grid,
    Network,
    Param,
    Placement,
    Refusal,
    TargetReply,
    TargetRequest,
    refuse,
)

__all__ = [
    "Activity",
    "Amount",
    "Arguments",
    "Backward",
    "BuildRequest",
    "Builder",
    "Chip",
    "Chips",
    "Choice",
    "Circuit",
    "Coder",
    "CompileReply",
    "CompileRequest",
    "Compiled",
    "Complaint",
    "Component",
    "Constant",
    "Core",
    "EmulateReply",
    "Energy",
    "Equation",
    "Export",
    "Forward",
    "Function",
    "GraphError",
    "Grid",
    "Init",
    "Label",
    "Loss",
    "Mode",
    "Model",
    "Module",
    "NamedTensor",
    "Network",
    "Opaque",
    "Operators",
    "Param",
    "Placement",
    "Plugin",
    "Population",
    "Prepared",
    "ProgramBuilder",
    "Refusal",
    "Role",
    "Run",
    "SHEET_TURNS",
    "Sampler",
    "Stage",
    "Step",
    "Stream",
    "Synapses",
    "Target",
    "TargetReply",
    "TargetRequest",
    "Tensor",
    "TraceReply",
    "TraceRequest",
    "Type",
    "Use",
    "Variable",
    "Weights",
    "circuit",
    "clip_param",
    "difference_param",
    "drop_param",
    "graph",
    "guidance_option",
    "integer",
    "label_of",
    "label_option",
    "label_param",
    "parse",
    "parse_type",
    "print_module",
    "program",
    "real",
    "refuse",
    "scalar",
    "schema",
    "serve",
    "shortest_table",
    "signal",
    "spikes",
    "wire",
]

__version__ = "0.1.0"
