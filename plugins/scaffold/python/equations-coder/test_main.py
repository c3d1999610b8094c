"""What the plugin says of itself."""

import unittest

from main import plugin


class DescriptionTest(unittest.TestCase):
    def test_names(self) -> None:
        """What specs name is what the equations declare; whether these hold, `snnc plugin test` says."""
        for c in plugin().equations:
            self.assertIn(f"{c.kind} {c.name}(", c.equations)
            self.assertTrue(c.version and c.doc)


if __name__ == "__main__":
    unittest.main()
