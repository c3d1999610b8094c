"""Serves a plugin to the snnc that started the process: handshake, lifeline, and the calls of the protocol."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from concurrent import futures
from typing import Any, Callable, NoReturn, TypeVar

import grpc

from . import message
from .chip import Chips, CompileRequest, EmulateQuestion, ExportQuestion, TraceRequest
from .graph import parse_type
from .opaque import NotPrepared, Operators, WrongOperands
from .plugin import BuildRequest, Model, Plugin, build_request
from .schema import (
    DECODE,
    ENCODE,
    BackwardQuestion,
    BuildQuestion,
    BuildReply,
    CoderQuestion,
    Description,
    ForwardQuestion,
    PrepareQuestion,
    Refusal,
    ReleaseQuestion,
    SamplerQuestion,
    TargetRequest,
    declare,
    declare_options,
    dump,
    load,
)
from .verify import BadCircuit

#: The version of the protocol, and the cookie without which no host has started the process.
VERSION = 1
COOKIE_KEY, COOKIE_VALUE = "SNNC_PLUGIN", "snn-plugin-1"

#: The largest request and the largest reply in bytes.
MAX_MESSAGE = 64 << 20

#: The gRPC service.
SERVICE = "snnc.plugin.v1.Plugin"

# Of an error's text: gRPC sends it in a header, and 8 KB of these are sure to arrive. Its bytes may be written as three
# each.
_LONGEST_ERROR = 2000

# Of an error's text: places in files.
_PLACES = 4

_Q = TypeVar("_Q")


def serve(plugin: Plugin) -> NoReturn:
    """The whole main function of a plugin: serves it until the host is gone, and ends the process then.

    In a process that no snnc started it says so and exits with status 1. The functions of the plugin may be called
    concurrently, on threads. An exception in one is the error of that call. What the plugin prints, on standard output
    too, is shown to the user when the plugin fails. Standard input belongs to serve: the host holds the other end, and
    when that is closed, because the host ended in whatever way, the process exits.
    """
    if os.environ.get(COOKIE_KEY) != COOKIE_VALUE or "PLUGIN_UNIX_SOCKET_DIR" not in os.environ:
        print(
            "This program is a plugin of snnc, which starts it where a spec uses it; by itself it does nothing.",
            file=sys.stderr,
        )
        sys.exit(1)
    threading.Thread(target=_lifeline, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the host decides when a plugin ends
    hello = _own_output()
    path = os.path.join(os.environ["PLUGIN_UNIX_SOCKET_DIR"], "plugin")
    # Threads compute in numpy without the interpreter's lock. The host has up to eight calls of a block in flight, and
    # those of other blocks: more threads than processors gain nothing, but that one which waits holds up nobody.
    pool = futures.ThreadPoolExecutor(thread_name_prefix="snnc")
    options = [
        ("grpc.max_receive_message_length", MAX_MESSAGE),
        ("grpc.max_send_message_length", MAX_MESSAGE),
        ("grpc.max_metadata_size", 64 << 10),
    ]
    server = grpc.server(pool, options=options)
    server.add_generic_rpc_handlers([_handlers(plugin)])
    if not server.add_insecure_port("unix:" + path):
        print(f"cannot listen at {path}", file=sys.stderr)
        sys.exit(1)
    server.start()
    os.write(hello, f"1|{VERSION}|unix|{path}|grpc\n".encode())
    os.close(hello)
    server.wait_for_termination()
    sys.exit(0)


def _lifeline() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)  # threads may be at work


def _own_output() -> int:
    """Sends what the plugin prints to standard error, and returns what was standard output, for the handshake alone."""
    sys.stdout.flush()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # so that a process that dies has said it
    hello = os.dup(1)
    os.dup2(2, 1)
    return hello


def _handlers(plugin: Plugin) -> Any:
    s = _Service(plugin)
    calls = {
        "Describe": s.describe,
        "Build": s.build,
        "Sampler": s.sampler,
        "Coder": s.coder,
        "Check": s.check,
        "Compile": s.compile,
        "Emulate": s.emulate,
        "Export": s.export,
        "Trace": s.trace,
        "Prepare": s.prepare,
        "Forward": s.forward,
        "Backward": s.backward,
        "Release": s.release,
    }
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            name: grpc.unary_unary_rpc_method_handler(
                _answering(f), request_deserializer=message.decode, response_serializer=message.encode
            )
            for name, f in calls.items()
        },
    )


def _answering(f: Callable[[str], str]) -> Callable[[str, Any], str]:
    """The call of gRPC that answers with what f does, and with the exception's text where there is one."""

    def call(request: str, context: Any) -> str:
        try:
            return f(request)
        except BaseException as e:  # also SystemExit, which would end this thread alone and leave the call open
            context.abort(_code(e), _said(e))
            raise AssertionError from e  # abort has raised

    return call


def _code(e: BaseException) -> grpc.StatusCode:
    if isinstance(e, NotPrepared):
        return grpc.StatusCode.NOT_FOUND
    return grpc.StatusCode.INVALID_ARGUMENT if isinstance(e, (WrongOperands, BadCircuit)) else grpc.StatusCode.UNKNOWN


def _said(e: BaseException) -> str:
    """What an exception says, and the last places that it came through: the plugin's own before those of libraries."""
    if isinstance(e, (NotPrepared, WrongOperands, BadCircuit)):
        return str(e)
    text = "".join(traceback.format_exception_only(type(e), e)).strip()
    package = os.path.dirname(os.path.abspath(__file__)) + os.sep
    places = [s for s in traceback.extract_tb(e.__traceback__) if not os.path.abspath(s.filename).startswith(package)]
    if len(places) > _PLACES:
        main = getattr(sys.modules.get("__main__"), "__file__", None) or ""
        folder = os.path.dirname(os.path.abspath(main)) + os.sep
        own = [s for s in places[:-1] if os.path.abspath(s.filename).startswith(folder)]
        places = [*own[1 - _PLACES :], places[-1]]
    lines = [f"{s.filename}:{s.lineno} in {s.name}" for s in places]
    return "\n    ".join([text[: _LONGEST_ERROR // 2], *lines])[:_LONGEST_ERROR]


class _Service:
    """Answers the calls of the protocol: JSON in, JSON out."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin, self._operators, self._chips = plugin, Operators(plugin.opaque), Chips(plugin.targets)

    def describe(self, request: str) -> str:
        p = self._plugin
        return dump(Description(p.name, p.version, p.components()))

    def build(self, request: str) -> str:
        model, r = self._model(_read(BuildQuestion, request))
        return _built(lambda: model.build(r))

    def sampler(self, request: str) -> str:
        q = _read(SamplerQuestion, request)
        model, r = self._model(q.build)
        sampler = model.sampler
        if sampler is None:
            raise LookupError(f"model {model.component.name} has no samplers with options")
        options = declare_options(model.component, q.options)
        return _built(lambda: sampler(r, q.sampler, options))

    def coder(self, request: str) -> str:
        q = _read(CoderQuestion, request)
        coder = next((c for c in self._plugin.coders if c.component.name == q.component), None)
        if coder is None:
            raise LookupError(f'no coder "{q.component}" gives a graph')
        t = parse_type(q.input)
        way, name = (coder.decode, DECODE) if t.steps > 0 else (coder.encode, ENCODE)
        if way is None:
            raise LookupError(f'coder "{q.component}" does not {name}')
        arguments = declare(coder.component, q.arguments)
        return _built(lambda: way(arguments, t))

    def check(self, request: str) -> str:
        return dump(self._chips.check(_read(TargetRequest, request)))

    def compile(self, request: str) -> str:
        return dump(self._chips.compile(_read(CompileRequest, request)))

    def emulate(self, request: str) -> str:
        return dump(self._chips.emulate(_read(EmulateQuestion, request)))

    def export(self, request: str) -> str:
        return dump(self._chips.export(_read(ExportQuestion, request)))

    def trace(self, request: str) -> str:
        return dump(self._chips.trace(_read(TraceRequest, request)))

    def prepare(self, request: str) -> str:
        return dump(self._operators.prepare(_read(PrepareQuestion, request)))

    def forward(self, request: str) -> str:
        self._operators.forward(_read(ForwardQuestion, request))
        return "{}"

    def backward(self, request: str) -> str:
        self._operators.backward(_read(BackwardQuestion, request))
        return "{}"

    def release(self, request: str) -> str:
        q = _read(ReleaseQuestion, request)
        self._operators.release(q)
        self._chips.release(q)
        return "{}"

    def _model(self, q: BuildQuestion) -> tuple[Model, BuildRequest]:
        model = next((m for m in self._plugin.models if m.component.name == q.component), None)
        if model is None:
            raise LookupError(f'no model "{q.component}" can be built')
        q.arguments = declare(model.component, q.arguments)
        return model, build_request(q)


def _read(cls: type[_Q], text: str) -> _Q:
    try:
        return load(cls, text)
    except (ValueError, TypeError) as e:
        raise ValueError(f"read the request: {e}") from None


def _built(f: Callable[[], str]) -> str:
    try:
        return dump(BuildReply(program=f()))
    except Refusal as e:
        return dump(BuildReply(complaints=e.complaints))
