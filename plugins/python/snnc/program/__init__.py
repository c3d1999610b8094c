"""Programs: what a model is, all that it is.

A model plugin builds one with a ProgramBuilder; ``parse_program`` and ``print_program`` are its text form.
"""

from .builder import EVAL, SHEET_TURNS, TRAIN, Function, Mode, ProgramBuilder, role_of
from .parts import Export, Program, Role, Sampler, Stage, Step, Stream
from .text import parse_program, print_program

__all__ = [
    "EVAL",
    "Export",
    "Function",
    "Mode",
    "Program",
    "ProgramBuilder",
    "Role",
    "SHEET_TURNS",
    "Sampler",
    "Stage",
    "Step",
    "Stream",
    "TRAIN",
    "parse_program",
    "print_program",
    "role_of",
]
