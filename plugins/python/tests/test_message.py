"""The messages on the wire."""

import unittest

from snnc import message


class MessageTest(unittest.TestCase):
    def test_there_and_back(self) -> None:
        for text in ("", "{}", "é", "x" * 127, "x" * 128, "x" * 300_000):
            self.assertEqual(message.decode(message.encode(text)), text)

    def test_bytes(self) -> None:
        """As protoc's own code writes `json = "hi"`: key 0x0a, length 2."""
        self.assertEqual(message.encode("hi"), b"\x0a\x02hi")

    def test_what_is_not_known_is_passed_over(self) -> None:
        for other in (b"\x10\x96\x01", b"\x19" + bytes(8), b"\x25" + bytes(4), b"\x1a\x03abc", b"\x0a\x02no"):
            self.assertEqual(message.decode(other + b"\x0a\x02hi"), "hi")

    def test_torn(self) -> None:
        for torn in (b"\x0a\x05hi", b"\x0a", b"\x0b", b"\x80" * 20):
            with self.assertRaises(ValueError):
                message.decode(torn)
