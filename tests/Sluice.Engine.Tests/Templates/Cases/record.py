#!/usr/bin/env python3
"""Records what Jinja2 itself makes of the templates in *.jsonl, set up as Hugging Face's transformers does for chats.

Each line has "template" (add new ones with only that); the script sets "output", or "error" where Jinja2 refuses. The
variables are those of data.json. Needs jinja2 (recorded with 3.1.6): python3 record.py
"""
import datetime
import json
import pathlib

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2024, 7, 26, 15, 4, 5)


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("render"), [], [], body).set_lineno(line)

    def render(self, caller):
        return caller()


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.TemplateError(message)


def main():
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda pattern: NOW.strftime(pattern)
    data = json.loads((HERE / "data.json").read_text("utf-8"))
    for path in sorted(HERE.glob("*.jsonl")):
        lines = []
        for line in path.read_text("utf-8").rstrip("\n").split("\n"):
            case = {"template": json.loads(line)["template"]}
            try:
                case["output"] = environment.from_string(case["template"]).render(**data)
            except Exception as error:
                case["error"] = type(error).__name__
            lines.append(json.dumps(case, ensure_ascii=False))
        path.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
