"""Numbers and strings as the text form writes them, and the messages of readers."""

from __future__ import annotations


def number(v: float) -> str:
    """The shortest decimal that reads back to the same bits, as 1e-05 below 1e-4 and as 1e+06 from there on."""
    v = float(v)
    if v != v or v in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[str(v)]
    digits, exponent = _shortest(abs(v))
    sign = "-" if str(v).startswith("-") else ""
    if exponent < -4 or exponent >= 6:
        head = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        return f"{sign}{head}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole, rest = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return sign + whole + ("." + rest if rest else "")


def _shortest(v: float) -> tuple[str, int]:
    """The shortest digits of a number that is not negative, and the exponent of the first of them."""
    mantissa, _, e = repr(v).partition("e")
    whole, _, rest = mantissa.partition(".")
    digits = (whole + rest).lstrip("0")
    exponent = len(whole) - 1 + int(e or 0)
    if whole == "0":
        exponent = -1 - (len(rest) - len(rest.lstrip("0"))) + int(e or 0)
    digits = digits.rstrip("0")
    return (digits, exponent) if digits else ("0", 0)


def real(v: float) -> str:
    """A real number, seen to be no whole one."""
    s = number(v)
    return s if any(c in s for c in ".eIN") else s + ".0"


_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


def quote(s: str) -> str:
    """A string in quotes; what cannot be printed is escaped."""
    out = []
    for c in s:
        if c in _ESCAPES:
            out.append(_ESCAPES[c])
        elif c.isprintable():
            out.append(c)
        elif c < " " or c == "\x7f":
            out.append(f"\\x{ord(c):02x}")
        else:
            out.append(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}")
    return '"' + "".join(out) + '"'
