"""Graphs: types, operators, the builder, and the text form.

A graph is built node by node with a Builder, or read with ``parse``; ``print_module`` gives the text that the host
reads. The operators, their attributes and their shape rules are those of the host (docs/plugin-protocol.md lists them).
"""

from .builder import Builder, Operand
from .infer import OPERATORS
from .module import Env, Equation, Graph, Init, Module, Node, Opaque, Output, Value, Variable
from .printer import print_module
from .reader import parse, parse_type
from .shape import BATCH, TIME, GraphError, Type, integer, real, scalar, signal, spikes, state, wire

__all__ = [
    "BATCH",
    "Builder",
    "Env",
    "Equation",
    "Graph",
    "GraphError",
    "Init",
    "Module",
    "Node",
    "OPERATORS",
    "Opaque",
    "Operand",
    "Output",
    "TIME",
    "Type",
    "Value",
    "Variable",
    "integer",
    "parse",
    "parse_type",
    "print_module",
    "real",
    "scalar",
    "signal",
    "spikes",
    "state",
    "wire",
]
