"""Reads texts, JSON strings line by line, and says of each what it prints as, or what is wrong with it."""

import json
import sys

from snnc.graph import GraphError, parse, print_module
from snnc.program import parse_program, print_program

for line in sys.stdin:
    text = json.loads(line)
    answer = {"text": "", "error": ""}
    try:
        if text.startswith("program"):
            answer["text"] = print_program(parse_program(text))
        else:
            answer["text"] = print_module(parse(text))
    except GraphError as e:
        answer["error"] = str(e)
    print(json.dumps(answer))
