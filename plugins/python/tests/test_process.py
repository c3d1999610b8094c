"""The process of a plugin: handshake, lifeline, calls."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from typing import Any

import grpc

from snnc import message
from snnc.process import COOKIE_KEY, COOKIE_VALUE, SERVICE

PLUGINS = os.path.join(os.path.dirname(__file__), "plugins")


class ProcessTest(unittest.TestCase):
    def start(self, name: str, **env: str) -> "subprocess.Popen[bytes]":
        p = subprocess.Popen(
            [sys.executable, f"{name}.py"],
            cwd=os.path.join(PLUGINS, name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **env},
        )
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        return p

    def served(self, name: str) -> tuple["subprocess.Popen[bytes]", str]:
        """A process that has shaken hands, and its handshake."""
        dir = tempfile.TemporaryDirectory()
        self.addCleanup(dir.cleanup)
        p = self.start(name, **{COOKIE_KEY: COOKIE_VALUE, "PLUGIN_UNIX_SOCKET_DIR": dir.name})
        assert p.stdout
        return p, p.stdout.readline().decode()

    def ask(self, path: str, call: str, request: str = "{}") -> Any:
        with grpc.insecure_channel("unix:" + path) as channel:
            f = channel.unary_unary(f"/{SERVICE}/{call}", message.encode, message.decode)
            return json.loads(f(request, timeout=20))

    def test_handshake_and_lifeline(self) -> None:
        p, hello = self.served("flow")
        core, version, network, path, kind = hello.strip().split("|")
        self.assertEqual((core, version, network, kind), ("1", "1", "unix", "grpc"))
        got = self.ask(path, "Describe")
        self.assertEqual((got["name"], got["version"]), ("acme/flow", "1.0.0"))
        assert p.stdin and p.stdout
        p.stdin.close()
        p.stdin = None
        self.assertEqual(p.wait(timeout=5), 0)
        self.assertEqual(p.stdout.read(), b"")

    def test_all_calls_are_answered(self) -> None:
        """Those of the protocol's definition, with an answer or an error of the plugin's own."""
        _, hello = self.served("flow")
        with open(os.path.join(os.path.dirname(__file__), "../../proto/plugin.proto")) as f:
            text = f.read()
        calls = re.findall(r"rpc (\w+)\(Request\) returns \(Reply\);", text)
        self.assertGreaterEqual(len(calls), 9)
        self.assertIn(f"package {SERVICE.rpartition('.')[0]};", text)
        self.assertEqual(len(re.findall(r"string json = 1;", text)), 2)
        for call in calls:
            with self.subTest(call):
                try:
                    self.ask(hello.split("|")[3], call)
                except grpc.RpcError as e:
                    self.assertIn(e.code(), (grpc.StatusCode.UNKNOWN, grpc.StatusCode.NOT_FOUND))

    def test_what_goes_wrong(self) -> None:
        _, hello = self.served("flow")
        path = hello.split("|")[3]
        for call, request, says in (
            ("Nothing", "{}", None),
            ("Build", "{", "read the request"),
            ("Build", "[]", "want an object, got list"),
            ("Build", '{"component": 3}', "want str, got int"),
            ("Build", '{"component": "none"}', 'no model "none" can be built'),
            ("Coder", '{"component": "none"}', 'no coder "none" gives a graph'),
            ("Check", '{"component": "none"}', 'there is no target "none"'),
        ):
            with self.subTest(call, request=request), self.assertRaises(grpc.RpcError) as e:
                self.ask(path, call, request)
            if says is None:
                self.assertEqual(e.exception.code(), grpc.StatusCode.UNIMPLEMENTED)  # type: ignore[attr-defined]
            else:
                self.assertEqual(e.exception.code(), grpc.StatusCode.UNKNOWN)  # type: ignore[attr-defined]
                self.assertIn(says, e.exception.details())  # type: ignore[attr-defined]

    def test_codes_of_opaque_calls(self) -> None:
        _, hello = self.served("opaque")
        path = hello.split("|")[3]
        arguments = {n: {"type": "real", "number": 2} for n in ("tau", "threshold")}
        self.ask(path, "Prepare", json.dumps({"handle": "h", "component": "leaky", "arguments": arguments, "dims": [2]}))
        with tempfile.NamedTemporaryFile() as f:
            f.truncate(64)
            right = {"handle": "h", "arena": f.name, "bytes": 64, "steps": 1, "batch": 1, "count": 1, "inputs": [0], "output": 8}
            self.assertEqual(self.ask(path, "Forward", json.dumps(right)), {})
            for wrong, code in (
                ({"steps": 0}, grpc.StatusCode.INVALID_ARGUMENT),
                ({"inputs": []}, grpc.StatusCode.INVALID_ARGUMENT),
                ({"output": 64}, grpc.StatusCode.INVALID_ARGUMENT),
                ({"handle": "g"}, grpc.StatusCode.NOT_FOUND),
                ({"arena": f.name + "-gone"}, grpc.StatusCode.UNKNOWN),
            ):
                with self.subTest(wrong), self.assertRaises(grpc.RpcError) as e:
                    self.ask(path, "Forward", json.dumps({**right, **wrong}))
                self.assertEqual(e.exception.code(), code)  # type: ignore[attr-defined]

    def test_errors_name_the_plugin_s_lines(self) -> None:
        """Not those of this package that built the call, or found the error; of many the author's own and the last."""
        p, hello = self.served("odd")
        while "|unix|" not in hello:  # it prints before
            assert p.stdout and hello
            hello = p.stdout.readline().decode()
        path = hello.split("|unix|")[1].split("|")[0]
        own = r"plugins/odd/odd\.py:\d+ in "
        for do, says, places in (
            ("graph", "GraphError: ", [own + "build"]),
            ("deep", "JSONDecodeError: ", [own + "deep"] * 3 + [r"json/decoder\.py:\d+ in raw_decode"]),
        ):
            with self.subTest(do), self.assertRaises(grpc.RpcError) as e:
                arguments = {"do": {"type": "string", "text": do}}
                self.ask(path, "Build", json.dumps({"component": "odd", "arguments": arguments}))
            said = e.exception.details()  # type: ignore[attr-defined]
            lines = [x for x in said.split("\n") if re.search(r":\d+ in ", x)]
            self.assertIn(says, said.split("\n")[0])
            self.assertEqual(len(lines), len(places), said)
            for line, place in zip(lines, places):
                self.assertRegex(line, place)

    def test_nobody_started_it(self) -> None:
        p = self.start("flow")
        out, err = p.communicate(timeout=20)
        self.assertEqual((p.returncode, out), (1, b""))
        self.assertIn(b"plugin of snnc", err)
