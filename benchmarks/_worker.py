"""A process that measures one side. It reads requests and writes answers, one JSON object per line.

A request, and the three kinds of answers:

    {"question": "b01_async_100", "side": "respool", "params": {...}, "place": {...}}
    {"figures": {"ops/s": 1.0}}     {"missing": "why"}     {"failed": "what"}
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

from benchmarks._question import Missing, Place


def main() -> None:
    # Libraries may print to stdout, so answers go to a copy of it, and stdout itself to stderr.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(_answer(json.loads(line))) + "\n")
        answers.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        question = import_module(f"benchmarks.{request['question']}").QUESTION
        figures = question.measure(request["side"], request["params"], _place(request["place"]))
    except Missing as error:
        return {"missing": str(error)}
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"[:300]}
    return {"figures": figures}


def _place(fields: dict[str, Any]) -> Place:
    primaries = tuple((host, port) for host, port in fields.pop("primaries"))
    return Place(**fields, primaries=primaries)


main()
