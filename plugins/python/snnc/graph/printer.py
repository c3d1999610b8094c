"""The canonical text of modules, headed ``graph 1``: byte for byte what the host's printer prints."""

from __future__ import annotations

from typing import Any, Callable

from .infer import OPERATORS
from .literals import quote, real
from .module import OPAQUE_FLAGS, Equation, Graph, Module, Opaque, Value
from .shape import axes_text, axis_text


def print_module(m: Module) -> str:
    """The text of a module."""
    return "graph 1\n" + module_body(m)


def module_body(m: Module) -> str:
    """Variables, equations, opaque operators and functions without the heading."""
    w: list[str] = []
    for v in m.variables:
        w.append(f"\nvariable {quote(v.name)} {v.type} {v.kind} {v.init.kind}({real(v.init.a)}, {real(v.init.b)})")
        if v.held:
            w.append(f" in ({real(v.held[0])}, {real(v.held[1])})")
        if v.of:
            w.append(f" of {quote(v.of)}")
    if m.variables:
        w.append("\n")
    for e in m.equations:
        w.append("\n")
        _equation(w, e)
    for o in m.opaques:
        w.append("\n")
        _opaque(w, o)
    for g in m.functions:
        w.append("\n")
        _function(w, g)
    return "".join(w)


def _function(w: list[str], g: Graph) -> None:
    inputs = ", ".join(f"{n.text('name')}: {n.out[0]}" for n in g.inputs)
    w.append(f"function {g.name}({inputs}){' free-steps' if g.free_steps else ''} {{\n")
    names = _nodes(w, g)
    w.append("  return" + ",".join(f" {o.name} = {names(o.value)}" for o in g.outputs) + "\n}\n")


def _nodes(w: list[str], g: Graph) -> Callable[[Value], str]:
    number: dict[int, int] = {}

    def name(v: Value) -> str:
        if v.node.op == "input":
            return "%" + v.node.text("name")
        s = f"%{number[id(v.node)]}"
        return f"{s}.{v.index}" if len(v.node.out) > 1 else s

    for n in g.nodes:
        if n.op == "input":
            continue
        number[id(n)] = len(number)
        w.append("  ")
        if n.out:
            w.append(f"%{number[id(n)]} = ")
        w.append(" ".join([n.op, *([quote(n.of.name)] if n.of else []), *(name(v) for v in n.inputs)]))
        kinds = OPERATORS[n.op].attrs
        for k in sorted(n.attrs):
            w.append(f" {k}={_attr(kinds[k].lstrip('?'), n.attrs[k])}")
        if n.out:
            w.append(" : " + " ".join(str(t) for t in n.out))
        w.append("\n")
    return name


def _equation(w: list[str], e: Equation) -> None:
    w.append(f"equation {quote(e.name)}")
    w.append((" spikes" if e.spikes else "") + (" once" if e.once else ""))
    if e.temporal is not None:
        w.append("".join([" temporal", *(f" {x}" for x in ("open", "normalize") if x in e.temporal)]))
    w.append(" {\n")
    w.extend(f"  input {s}\n" for s in e.inputs)
    w.extend(f"  param {s}\n" for s in e.params)
    w.extend(f"  state {s} = {real(v)}\n" for s, v in e.states.items())
    names = _nodes(w, e.step)
    for i, o in enumerate(e.step.outputs):
        w.append(f"  next {o.name} {names(o.value)}\n" if i else f"  emit {names(o.value)}\n")
    w.append("}\n")


def _opaque(w: list[str], o: Opaque) -> None:
    whose = ((k, quote(getattr(o, k))) for k in ("plugin", "component", "version", "arguments"))
    w.append(" ".join([f"opaque {quote(o.name)}", *(f"{k}={v}" for k, v in whose)]))
    words = [o.direction] if o.direction else []
    words += [k for k in OPAQUE_FLAGS if getattr(o, k)]
    w.append("".join(f" {k}" for k in words) + " {\n")
    w.extend(f"  input {s}\n" for s in o.inputs)
    w.extend(f"  state {s} = {real(v)}\n" for s, v in o.states.items())
    w.extend(f"  saved {s}\n" for s in o.saved)
    w.append("}\n")


def _attr(kind: str, v: Any) -> str:
    if kind == "string":
        return quote(v)
    if kind == "bool":
        return "true" if v else "false"
    if kind == "real":
        return real(v)
    if kind == "reals":
        return "[" + " ".join(real(x) for x in v) + "]"
    if kind == "axis":
        return axis_text(v)
    if kind == "axes":
        return axes_text(v)
    return "[" + " ".join(str(x) for x in v) + "]" if kind == "ints" else str(v)
