# SPDX-License-Identifier: MIT
"""catalogue.py - the hostile functions of functions/, each with what must come of it.

The first line of a file is `-- expect: STATUS [CODE or JSON of the result]`. A second line
`-- params: JSON` gives the parameters of the call; without it they are {}."""

import dataclasses
import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().with_name("functions")
EXPECTED = re.compile(r"-- expect: (\d+)(?: (\w+|\{.*\}))?\n(?:-- params: (.*)\n)?")
ADDED = ("latency_ms", "warm")  # by the server, to each result


@dataclasses.dataclass
class Hostile:
    """A function that wants to do harm; `code` and `result` are None where any will do."""

    name: str
    text: str
    status: int
    code: str
    result: dict
    params: dict

    def body(self):
        """Of a request that calls it."""
        return json.dumps(self.params).encode()

    def complaint(self, status, body):
        """What is wrong with the reply (`body`: its JSON), or None."""
        if status != self.status:
            return f"status {status}, not {self.status}: {str(body)[:300]}"
        if self.code and body.get("code") != self.code:
            return f"code {body.get('code')}, not {self.code}"
        if self.result is not None and without_added(body) != self.result:
            return f"result {str(body)[:300]}, not {self.result}"
        return None


def without_added(body):
    return {key: value for key, value in body.items() if key not in ADDED}


def read(path):
    text = path.read_text()
    status, word, params = EXPECTED.match(text).groups()
    result = json.loads(word) if word and word.startswith("{") else None
    return Hostile(path.stem, text, int(status), None if result is not None else word, result,
                   json.loads(params or "{}"))


def all_hostile():
    return [read(path) for path in sorted(FOLDER.glob("*.lua"))]
