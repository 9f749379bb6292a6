# SPDX-License-Identifier: MIT
"""openapi.py - documents of OpenAPI 3.0, and values, checked against their schemas."""

import functools
import json
import pathlib

import jsonschema

OFFICIAL = pathlib.Path("/usr/share/openapi-specification/schemas/v3.0")


@functools.cache
def _official():
    file = OFFICIAL / "schema.json"
    if file.exists():
        schema = json.loads(file.read_text())
    else:  # as in Debian 13
        import yaml
        schema = yaml.safe_load((OFFICIAL / "schema.yaml").read_text())
    return jsonschema.validators.validator_for(schema)(schema)


def faults(document):
    """What the OpenAPI Initiative's own schema has against it."""
    return [f"{error.json_path}: {error.message}" for error in _official().iter_errors(document)]


def _plain(node):
    """As JSON schema says it: `nullable` is OpenAPI's own."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(value) for key, value in node.items()}
    if plain.pop("nullable", False) is True:
        plain["type"] = [plain["type"], "null"]
    return plain


def validator(document, schema):
    """Of values of `schema`, which may refer to parts of the document."""
    whole = _plain(document)
    resolver = jsonschema.RefResolver("", whole)
    return jsonschema.Draft4Validator(_plain(schema), resolver=resolver)


def follow(document, node):
    """What a reference stands for."""
    while "$ref" in node:
        found = document
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        node = found
    return node


def operations(document):
    """(method, path, operation) of each."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation
