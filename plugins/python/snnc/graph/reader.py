"""The reader of the text form. It infers every type anew, so what it has read is right as the host's reader judges it."""

from __future__ import annotations

import math
import re
from typing import Any, Callable, Optional, Union

from .builder import Builder
from .infer import OPERATORS
from .literals import quote
from .module import KINDS, NAME, OPAQUE_FLAGS, Env, Equation, Init, Module, Opaque, Value, Variable
from .shape import BATCH, DTYPES, MAX_DIMS, MAX_ELEMENTS, MAX_STEPS, TIME, GraphError, Type, product, scalar

# Tokens: a line's end, a string, a mark, a word. A string that is not closed ends with its line.
_TOKEN = re.compile(
    r"""[ \t\r]*(?:\#[^\n]*)?(\n|"(?:[^"\\\n]|\\(?:.|\n)?)*["\n]?|[\[\](){},=:]|[^ \t\r\n\[\](){},=:\#"]+|$)"""
)
_INT = re.compile(r"[+-]?[0-9]+\Z")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))")
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}


def parse(text: str) -> Module:
    """Reads the text form of a module. What is wrong is raised as GraphError, with its line."""
    m = Module()
    r = Reader(text, m)
    r.header("graph")
    while word := r.word():
        if not r.item(word):
            raise r.error(f"unknown word {quote(word)}, want variable, equation, opaque or function")
    return m


def parse_type(text: str) -> Type:
    """Reads a type such as ``f32[N 1 28 28]``."""
    r = Reader(text, Module())
    t = r.type()
    if more := r.word():
        raise r.error(f"unexpected {quote(more)}")
    return t


class _Names:
    """Resolves names in the module being read, quickly, and roles elsewhere."""

    def __init__(self, m: Module, roles: Optional[Env]) -> None:
        self._module, self._roles = m, roles
        self.types: dict[str, Type] = {}

    def signature(self, role: str) -> Any:
        return self._roles.signature(role) if self._roles else None

    def variable_type(self, name: str) -> Optional[Type]:
        return self.types.get(name)

    def function_named(self, name: str) -> Any:
        return self._module.function(name)


class Reader:
    """Reads a text token by token into a module; ``roles`` resolves what is not in it."""

    def __init__(self, text: str, m: Module, roles: Optional[Env] = None) -> None:
        self._text, self._pos, self._line, self._at = text, 0, 1, 1
        self._m, self._names = m, _Names(m, roles)

    def error(self, what: str) -> GraphError:
        """An error at the line of the token taken last."""
        return GraphError(f"line {self._at}: {what}")

    # Tokens.

    def _scan(self, pos: int) -> tuple[str, int]:
        m = _TOKEN.match(self._text, pos)
        assert m is not None  # every text begins with a token
        return m.group(1), m.end()

    def peek(self) -> str:
        """The next token of the line, which stays."""
        return self._scan(self._pos)[0]

    def token(self) -> str:
        """Takes the next token of the line; "" at the end of the text, a line feed at the end of the line."""
        tok, self._pos = self._scan(self._pos)
        self._at = self._line
        if tok == "\n":
            self._line += 1
        return tok

    def word(self) -> str:
        """Takes the next token, over line ends; "" at the end of the text."""
        while (tok := self.token()) == "\n":
            pass
        return tok

    def taken(self, word: str) -> bool:
        """Takes the next token of the line if it is the word."""
        if self.peek() != word:
            return False
        self.token()
        return True

    def want(self, word: str) -> None:
        """Takes the next token, which must be the word."""
        if (got := self.token()) != word:
            raise self.error(f"want {quote(word)}, got {quote(got)}")

    def name(self) -> str:
        """Takes a bare word."""
        s = self.token()
        if not NAME.match(s):
            raise self.error(f"want a name, got {quote(s)}")
        return s

    def quoted(self) -> str:
        """Takes a string in quotes."""
        tok = self.token()
        s = _unquoted(tok)
        if s is None:
            raise self.error(f"want a quoted name, got {quote(tok)}")
        return s

    def integer(self) -> int:
        """Takes a whole number."""
        return self._int(self.token())

    def real(self) -> float:
        """Takes a finite number."""
        return self._real(self.token())

    def end_line(self) -> None:
        """Wants the line to end."""
        if (tok := self.token()) not in ("\n", ""):
            raise self.error(f"unexpected {quote(tok)}")

    def _int(self, tok: str) -> int:
        if not _INT.match(tok) or not -(1 << 63) <= int(tok) < 1 << 63:
            raise self.error(f"want an int, got {quote(tok)}")
        return int(tok)

    def _real(self, tok: str) -> float:
        v = float(tok) if _REAL.match(tok) else math.inf
        if not math.isfinite(v):
            raise self.error(f"want a number, got {quote(tok)}")
        return v

    # Items.

    def header(self, word: str) -> None:
        """Reads ``WORD 1``."""
        if self.word() != word:
            raise self.error(f"want the heading `{word} 1`")
        if (v := self.token()) != "1":
            raise self.error(f"version {quote(v)} of the text form; this one reads 1")

    def type(self) -> Type:
        """Takes a type."""
        dtype = self.token()
        if dtype not in DTYPES:
            raise self.error(f"unknown element type {quote(dtype)}")
        self.want("[")
        steps, batch, role = 0, False, ""
        dims: list[int] = []
        while (tok := self.token()) != "]":
            if dtype == "state":
                if role or not NAME.match(tok):
                    raise self.error(f"want the name of a role, got {quote(tok)}")
                role = tok
            elif tok == "N" and not batch and not dims:
                batch = True
            elif tok.startswith("T") and not steps and not batch and not dims:
                if not _INT.match(tok[1:]) or not 1 <= int(tok[1:]) <= MAX_STEPS:
                    raise self.error(f"{quote(tok)} is no number of time steps")
                steps = int(tok[1:])
            else:
                d = int(tok) if _INT.match(tok) else 0
                if not 1 <= d <= MAX_ELEMENTS or len(dims) >= MAX_DIMS or product(dims) > MAX_ELEMENTS // d:
                    raise self.error(f"{quote(tok)} is no dim here")
                dims.append(d)
        return Type(dtype, steps, batch, tuple(dims), role)

    def item(self, keyword: str) -> bool:
        """Reads the rest of an item; says whether the keyword is that of one."""
        items = {
            "variable": self._variable,
            "equation": self._equation,
            "opaque": self._opaque,
            "function": self._function,
        }
        read = items.get(keyword)
        if read:
            read()
        return read is not None

    def _variable(self) -> None:
        name, t, kind = self.quoted(), self.type(), self.token()
        if kind not in KINDS:
            raise self.error(f"unknown kind of variable {quote(kind)}")
        how = self.name()
        v = Variable(name, t, Init(how, *self._pair()), kind)
        if self.taken("in"):
            v.held = self._pair()
            if v.held == (0, 0):
                raise self.error(f"variable {quote(name)} is held in (0, 0)")
        if self.taken("of"):
            v.of = self.quoted()
        self.end_line()
        if name in self._names.types:
            raise self.error(f"variable {quote(name)} stands twice")
        self._judged(v.verify)
        self._names.types[name] = t
        self._m.variables.append(v)

    def _pair(self) -> tuple[float, float]:
        self.want("(")
        a = self.real()
        self.want(",")
        b = self.real()
        self.want(")")
        return a, b

    def _judged(self, f: Callable[[], Any]) -> Any:
        """Calls f, whose errors lie in the line that was read last."""
        try:
            return f()
        except GraphError as e:
            raise self.error(str(e)) from None

    def _function(self) -> None:
        name = self.name()
        if self._m.function(name):
            raise self.error(f"function {name} stands twice")
        b = Builder(name, self._names)
        values: dict[str, list[Value]] = {}
        self.want("(")
        while not self.taken(")"):
            of = self.name()
            self.want(":")
            if of in values:
                raise self.error(f"input {of} stands twice")
            t = self.type()
            values[of] = [self._judged(lambda: b.input(of, t))]
            if not self.taken(",") and self.peek() != ")":
                raise self.error(f"want `,` or `)`, got {quote(self.peek())}")
        b.graph.free_steps = self.taken("free-steps")
        self.want("{")
        self.end_line()
        while (word := self.word()) != "return":
            self._node(b, word, values)
        while self.peek() != "\n":
            out = self.name()
            self.want("=")
            if b.graph.output(out) is not None:
                raise self.error(f"output {out} stands twice")
            b.output(out, self._value(self.token(), values))
            if not self.taken(","):
                break
        self.end_line()
        self.want("}")
        self.end_line()
        self._m.functions.append(b.graph)

    def _value(self, tok: str, values: dict[str, list[Value]]) -> Value:
        if not tok.startswith("%"):
            raise self.error(f"want a value such as %3, got {quote(tok)}")
        name = tok[1:]
        if len(vs := values.get(name, [])) == 1:
            return vs[0]
        head, dot, tail = name.partition(".")
        vs = values.get(head, [])
        if dot and _INT.match(tail) and len(vs) > 1 and 0 <= int(tail) < len(vs):
            return vs[int(tail)]
        raise self.error(f"unknown value {quote(tok)}")

    def _node(self, b: Builder, word: str, values: dict[str, list[Value]]) -> None:
        """Reads ``[%N =] OP ["equation or opaque operator"] values attributes [: types]``."""
        if not word:
            raise self.error("the text ends inside a body")
        named = word.startswith("%")
        name = word[1:]
        if named:
            if not _INT.match(name):
                raise self.error(f"a node is called by its number, not {quote(word)}")
            if name in values:
                raise self.error(f"{word} stands twice")
            self.want("=")
            word = self.token()
        spec = OPERATORS.get(word)
        if spec is None or word == "input":
            raise self.error(f"unknown operator {quote(word)}")
        of: Union[Equation, Opaque, None] = None
        if word in ("equation", "equation-gradient", "opaque", "opaque-gradient"):
            called, what = self.quoted(), "equation" if word.startswith("equation") else "opaque operator"
            of = self._m.equation(called) if what == "equation" else self._m.opaque(called)
            if of is None:
                raise self.error(f"unknown {what} {quote(called)}")
        inputs: list[Value] = []
        attrs: dict[str, Any] = {}
        while (tok := self.token()) not in ("\n", "", ":"):
            if tok.startswith("%"):
                inputs.append(self._value(tok, values))
                continue
            if tok not in spec.attrs:
                raise self.error(f"{word} has no attribute {quote(tok)}")
            if tok in attrs:
                raise self.error(f"attribute {tok} stands twice")
            self.want("=")
            attrs[tok] = self._attr(spec.attrs[tok].lstrip("?"))
        n = self._judged(lambda: b._node(word, attrs, inputs, of))
        if named != bool(n.out):
            raise self.error(f"{word}: a node with results has a number, one without has none")
        if named:
            values[name] = [Value(n, i, b) for i in range(len(n.out))]
        if tok == ":":
            for want in n.out:
                if (got := self.type()) != want:
                    raise self.error(f"{word} gives {want}, the text says {got}")
            self.end_line()

    def _attr(self, kind: str) -> Any:
        if kind == "int":
            return self.integer()
        if kind == "real":
            return self.real()
        if kind == "string":
            return self.quoted()
        if kind == "axis":
            return self._axis(self.token())
        if kind == "bool":
            if (tok := self.token()) not in ("true", "false"):
                raise self.error(f"want true or false, got {quote(tok)}")
            return tok == "true"
        each = {"ints": self._int, "reals": self._real, "axes": self._axis}.get(kind)
        if each is None:
            raise self.error(f"attribute of kind {kind} has no text")
        self.want("[")
        out = []
        while (tok := self.token()) != "]":
            out.append(each(tok))
        return out

    def _axis(self, tok: str) -> int:
        if tok in ("t", "n"):
            return TIME if tok == "t" else BATCH
        if not _INT.match(tok) or not 0 <= int(tok) <= MAX_DIMS:
            raise self.error(f"{quote(tok)} is no axis")
        return int(tok)

    def _equation(self) -> None:
        name = self.quoted()
        if self._m.equation(name):
            raise self.error(f"equation {quote(name)} stands twice")
        b = Builder("step")
        e = Equation(name, b.graph)
        while not self.taken("{"):
            if (word := self.token()) == "spikes":
                e.spikes = True
            elif word == "once":
                e.once = True
            elif word == "temporal":
                e.temporal = frozenset(x for x in ("open", "normalize") if self.taken(x))
            else:
                raise self.error(f"unknown word {quote(word)} before the body of an equation")
        self.end_line()
        values: dict[str, list[Value]] = {}

        def declare(of: str) -> str:
            if of in values:
                raise self.error(f"{of} stands twice")
            values[of] = [b.input(of, scalar())]
            return of

        while (word := self.word()) != "}":
            if word in ("input", "param"):
                (e.inputs if word == "input" else e.params).append(declare(self.name()))
                self.end_line()
            elif word == "state":
                of = self.name()
                self.want("=")
                start = self.real()
                e.states[declare(of)] = start
                self.end_line()
            elif word in ("emit", "next"):
                of = "emit" if word == "emit" else self.name()
                b.output(of, self._value(self.token(), values))
                self.end_line()
            else:
                self._node(b, word, values)
        self.end_line()
        self._judged(e.verify)
        self._m.equations.append(e)

    def _opaque(self) -> None:
        name = self.quoted()
        if self._m.opaque(name):
            raise self.error(f"opaque operator {quote(name)} stands twice")
        o = Opaque(name, "", "", "", inputs=[])
        for part in ("plugin", "component", "version", "arguments"):
            self.want(part)
            self.want("=")
            setattr(o, part, self.quoted())
        while not self.taken("{"):
            word = self.token()
            if word in OPAQUE_FLAGS:
                setattr(o, word, True)
            elif word in ("encode", "decode") and not o.direction:
                o.direction = word
            else:
                raise self.error(f"unknown word {quote(word)} before the body of an opaque operator")
        self.end_line()
        twice = ""
        while (word := self.word()) != "}":
            if word in ("input", "saved"):
                (o.inputs if word == "input" else o.saved).append(self.name())
            elif word == "state":
                of = self.name()
                self.want("=")
                twice = of if of in o.states else twice
                o.states[of] = self.real()
            else:
                raise self.error(f"unknown word {quote(word)} in an opaque operator")
            self.end_line()
        self.end_line()
        if twice:
            raise self.error(f"opaque {o.name}: {quote(twice)} is no name, or is taken")
        self._judged(o.verify)
        self._m.opaques.append(o)


def _unquoted(tok: str) -> Optional[str]:
    """The string that a token quotes; None where it is no string in quotes."""
    if len(tok) < 2 or tok[0] != '"' or tok[-1] != '"':
        return None
    out, at, body = [], 0, tok[1:-1]
    for m in _ESCAPE.finditer(body):
        plain = body[at : m.start()]
        if "\\" in plain:
            return None
        plain_escape, *codes = m.groups()
        code = next((int(c, 8 if i == 3 else 16) for i, c in enumerate(codes) if c), 0)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            return None
        out += [plain, _PLAIN[plain_escape] if plain_escape else chr(code)]
        at = m.end()
    return None if "\\" in body[at:] else "".join(out) + body[at:]
