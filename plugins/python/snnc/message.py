"""The two messages of the protocol on the wire.

Request and Reply hold one string each, field 1 (plugins/proto/plugin.proto). Reading and writing that here leaves the
package without generated code and without the library that would have to fit it.
"""

from __future__ import annotations

_STRING, _FIXED64, _VARINT, _FIXED32 = 2, 1, 0, 5
_JSON = 1 << 3 | _STRING  # field 1, a string


def encode(json: str) -> bytes:
    """The message that holds a string."""
    body = json.encode()
    if not body:
        return b""
    return bytes([_JSON]) + _varint(len(body)) + body


def decode(message: bytes) -> str:
    """The string that a message holds; "" where it holds none. Fields that are not known are passed over."""
    at, out = 0, b""
    while at < len(message):
        key, at = _read_varint(message, at)
        kind = key & 7
        if kind == _STRING:
            size, at = _read_varint(message, at)
            if key == _JSON:
                out = message[at : at + size]
            at += size
        elif kind == _VARINT:
            _, at = _read_varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"read the message: unknown wire type {kind}")
    if at > len(message):
        raise ValueError("read the message: it ends too early")
    return out.decode()


def _varint(n: int) -> bytes:
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    n = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("read the message: it ends too early")
        byte = message[at]
        at += 1
        n |= (byte & 0x7F) << shift
        if byte < 0x80:
            return n, at
    raise ValueError("read the message: a number does not end")
