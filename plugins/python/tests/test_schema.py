"""The JSON of the protocol."""

import json
import unittest

from snnc import schema
from snnc.schema import Arguments, Choice, Component, Description, Param, Role, TargetReply, Value, dump, load


class SchemaTest(unittest.TestCase):
    def test_what_is_empty_is_left_out(self) -> None:
        c = Component(
            "model",
            "m",
            roles=[Role("net")],
            params=[Param("p", schema.REAL, min=0, max=1, default="0")],
            samplers=[Choice("once")],
        )
        self.assertEqual(
            json.loads(dump(Description("acme/m", "1.0.0", [c]))),
            {
                "name": "acme/m",
                "version": "1.0.0",
                "components": [
                    {
                        "kind": "model",
                        "name": "m",
                        "roles": [{"name": "net", "takes": "network"}],
                        "params": [{"name": "p", "type": "real", "default": "0", "min": 0, "max": 1}],
                        "samplers": [{"name": "once"}],
                    }
                ],
            },
        )
        self.assertEqual(json.loads(dump(TargetReply(False))), {"fits": False})

    def test_requests(self) -> None:
        q = load(
            schema.BuildQuestion,
            """{"component": "m", "later": [1], "networks": [{"role": "net", "name": "f", "graph": "graph 1", "steps": 4}],
            "arguments": {"loss": {"type": "terms", "items": [{"type": "choice", "text": "mse", "weight": 0.5, "args":
            {"a": {"type": "int", "number": 2}}}]}}, "fields": {"image": "f32[N 1 8 8]"}, "classes": null, "bounds":
            {"image": [0, 1]}}""",
        )
        self.assertEqual((q.component, q.networks[0].steps, q.classes, q.bounds), ("m", 4, {}, {"image": [0.0, 1.0]}))
        term = q.arguments["loss"].items[0]
        self.assertEqual((term.text, term.weight, term.args.int("a")), ("mse", 0.5, 2))

    def test_names_that_nobody_declares(self) -> None:
        """Who misspells an argument is told the names there are, in a choice as well; one that is absent is 0 as ever."""
        weighted = Choice("mse", params=[Param("weight", schema.REAL)])
        params = [Param("tau", schema.REAL), Param("loss", schema.CHOICE, choices=[weighted, Choice("mae")])]
        c = Component("model", "m", params=params, roles=[Role("net")], samplers=[Choice("once", params=[params[0]])])
        given = Arguments(loss=Value("choice", text="mae"))
        for args in given, schema.declare(c, given):
            self.assertEqual((args.real("tau"), args.text("net"), args.text("loss")), (0, "", "mae"))
            self.assertEqual(args.get_value("loss").args.real("weight"), 0)
        self.assertEqual((schema.declare(c, given), given.real("tua")), (given, 0))
        with self.assertRaisesRegex(LookupError, 'no argument "tua": those that are declared are loss, net, tau$'):
            schema.declare(c, given).real("tua")
        with self.assertRaisesRegex(LookupError, '"wieght".* weight$'):
            schema.declare(c, given).get_value("loss").args.real("wieght")
        with self.assertRaisesRegex(LookupError, '"net".* tau$'):
            schema.declare_options(c, Arguments()).text("net")

    def test_there_and_back(self) -> None:
        size = Value("size", items=[Value("int", 2), Value("int", 3)])
        q = schema.TargetRequest("chip", Arguments(x=Value("choice", text="é", args=Arguments(y=size))))
        self.assertEqual(load(schema.TargetRequest, dump(q)), q)

    def test_wrong_types_are_refused_where_they_are_written(self) -> None:
        for make, says in (
            (lambda: Component("neuron", "leaky", 0.1), "Component: version is 0.1 and has to be a text in quotes"),  # type: ignore[arg-type]
            (lambda: Param("tau", schema.REAL, default=2), "Param: default is 2 and has to be a text"),  # type: ignore[arg-type]
            (lambda: Component("coder", "c", directions="encode"), "'encode' and has to be a list"),  # type: ignore[arg-type]
            (lambda: schema.Opaque(gradient=1), "Opaque: gradient is 1 and has to be True or False"),  # type: ignore[arg-type]
        ):
            with self.subTest(says), self.assertRaisesRegex(TypeError, says):
                make()

    def test_nonsense(self) -> None:
        for text in (
            "",
            "3",
            "[]",
            '{"component": 1}',
            '{"networks": {}}',
            '{"arguments": {"a": {"number": "x"}}}',
            '{"networks": [{"steps": true}]}',
        ):
            with self.subTest(text), self.assertRaises((ValueError, TypeError)):
                load(schema.BuildQuestion, text)
        with self.assertRaises(ValueError):
            dump(Value(number=float("nan")))
