# SPDX-License-Identifier: MIT
"""test_openapi.py - /openapi.json: a valid document, and what the server does is what it says."""

import itertools
import re

import pytest

import openapi
from server import ROOT, Server, expect_error, wait_until
from test_params import BOUNDS

FUNCTIONS = {
    "typed": """
        return {
          description = "Takes all types",
          params = {
            integer = {type = "integer", min = -1, max = 10},
            number = {type = "number", min = 0.5, max = 1.5, default = 1},
            string = {type = "string", min = 1, max = 4, default = "x"},
            boolean = {type = "boolean", default = false},
            object = {type = "object"},
            array = {type = "array", min = 1, max = 2},
            any = {min = 2, max = 3, description = "of \\"any\\" type"},
          },
          handler = function(params) return {got = params} end,
        }""",
    "needy": """
        return {params = {name = {type = "string", required = true}},
                handler = function(params) return {hello = params.name} end}""",
    "bare": "return function(params) return params end",
    "wrong": "return function(",
    "broken": "return function() error('broken') end",
}
PLACES = {"{fn}": "bare", "{profile}": "allocs"}
BODIES = {"Chain": {"chain": ["bare"], "params": {"a": 1}}, "Params": {"a": 1}, "Rates": {}}


@pytest.fixture(scope="module", name="own")
def own_server():
    with Server(FUNCTIONS, ["--workers", "2", "--pool-max", "8"]) as running:
        yield running


def document_of(server, **options):
    reply = server.get("/openapi.json", **options)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    return reply.json()


@pytest.fixture(scope="module", name="document")
def document_once(own):
    return document_of(own)


def body_schema(document, name):
    body = document["paths"][f"/fn/invoke/{name}"]["post"]["requestBody"]
    return body, body["content"]["application/json"]["schema"]


# -- The document ----------------------------------------------------------------------------------

def test_it_is_valid(document):
    assert document["openapi"] == "3.0.3"
    assert not openapi.faults(document)


def test_references_lead_somewhere_and_names_of_operations_differ(document):
    def references(node):
        if isinstance(node, dict) and "$ref" in node:
            yield node
        elif isinstance(node, (dict, list)):
            for item in node.values() if isinstance(node, dict) else node:
                yield from references(item)

    assert all(openapi.follow(document, node) for node in references(document))
    names = [operation["operationId"] for _, _, operation in openapi.operations(document)]
    assert len(names) == len(set(names)) > 20


def test_each_route_of_the_readme_is_in_it(document):
    readme = (ROOT / "README.md").read_text()
    table = readme[readme.index("\n| method and path"):readme.index("\n`?start=cold`")]
    told = {(method, re.sub(r"\{.*,.*\}", "{profile}", path))
            for method, path in re.findall(r"`([A-Z]+) (/[^`?]*)", table)}
    functions = {f"/fn/invoke/{name}" for name in own_names(document)}
    described = {(method, path) for method, path, _ in openapi.operations(document)
                 if path not in functions}
    assert described - {("GET", "/debug/pprof/")} == told


def own_names(document):
    return {path.removeprefix("/fn/invoke/") for path in document["paths"]
            if path.startswith("/fn/invoke/") and "{" not in path}


def test_all_error_codes_are_in_it(document):
    told = document["components"]["schemas"]["Error"]["properties"]["code"]["anyOf"][0]["enum"]
    header = (ROOT / "host/base/err.h").read_text().partition("#define ERR_LIST")[2]
    assert told == header.split('"')[1::2][:len(told)] and len(told) > 15
    of_replies = {word for _, _, operation in openapi.operations(document)
                  for status, reply in operation["responses"].items() if status not in ("200", "default")
                  for word in openapi.follow(document, reply)["description"].split(", ")}
    assert of_replies - {"not ready"} == set(told) - {"cancelled", "method_not_allowed"}


def test_head_is_get_without_the_body(own):
    head, get = own.request("HEAD", "/openapi.json"), own.get("/openapi.json")
    assert head.content == b"" and head.headers["content-length"] == str(len(get.content))


# -- Replies ---------------------------------------------------------------------------------------

def ask(server, document, method, path, operation):
    for place, name in PLACES.items():
        path = path.replace(place, name)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    name = body and body["schema"].get("$ref", "").rsplit("/", 1)[-1]
    return server.request(method, path, json=BODIES.get(name, body and body.get("example")))


def test_each_reply_is_as_its_schema_says(own, document):
    own.result("bare")
    own.post("/fn/warmpool/bare?size=1")
    for method, path, operation in openapi.operations(document):
        if path in ("/fn/invoke/needy", "/fn/invoke/broken"):
            continue
        reply = ask(own, document, method, path, operation)
        assert reply.status_code == 200, (method, path, reply.text)
        (kind, content), = operation["responses"]["200"]["content"].items()
        assert reply.headers["content-type"].split(";")[0] == kind
        for header, spec in operation["responses"]["200"].get("headers", {}).items():
            schema = openapi.follow(document, spec)["schema"]
            openapi.validator(document, schema).validate(reply.headers[header])
        if kind == "application/json":
            openapi.validator(document, content["schema"]).validate(reply.json())


@pytest.mark.parametrize("method, path, body, status", [
    ("POST", "/fn/invoke/typed", "[", 400),
    ("POST", "/fn/invoke/{fn}", "{}", 404),
    ("POST", "/fn/invoke/broken", None, 500),
    ("POST", "/fn/chain", '{"chain":["bare","broken"]}', 500),
    ("GET", "/debug/pprof/{profile}", None, 404),
])
def test_errors_are_as_their_schema_says(own, document, method, path, body, status):
    reply = own.request(method, path, data=body)
    assert reply.status_code == status
    told = document["paths"][path][method.lower()]["responses"][str(status)]
    told = openapi.follow(document, told)
    openapi.validator(document, told["content"]["application/json"]["schema"]).validate(
        reply.json())
    assert reply.json()["code"] in told["description"].split(", ")
    assert all(header in reply.headers for header in told["headers"])


@pytest.mark.parametrize("path, query, names", [
    ("/fn/burst/{fn}", "count", ("1", "1000")),
    ("/fn/warmpool/{fn}", "size", ("1", "8")),
    ("/debug/pprof/{profile}", "seconds", ("1", "300")),
    ("/debug/flame", "seconds", ("1", "3600")),
    ("/fn/logs/{fn}", "tail", ("1", "1000")),
])
def test_bounds_of_queries_are_those_that_are_checked(own, document, path, query, names):
    (method, operation), = [(method, operation)
                            for method, operation in document["paths"][path].items()
                            if operation["operationId"].startswith(("post", "get"))]
    schema, = [spec["schema"] for spec in operation["parameters"] if spec.get("name") == query]
    assert (str(schema["minimum"]), str(schema["maximum"])) == names
    for place, name in PLACES.items():
        path = path.replace(place, name)
    for value in (schema["minimum"] - 1, schema["maximum"] + 1):
        reply = own.request(method, f"{path}?{query}={value}")
        expect_error(reply, 400, "bad_request", f"{query} must be a whole number")


def test_bounds_of_rates_are_those_that_are_checked(own, document):
    rates = document["components"]["schemas"]["Rates"]["properties"]
    assert set(rates) == set(own.get("/debug/profiling").json())
    for name, schema in rates.items():
        reply = own.request("PUT", "/debug/profiling", json={name: schema["maximum"] + 1})
        expect_error(reply, 400, "bad_params", name)


def test_the_profiles_are_those_that_there_are(own, document):
    names = [item["name"] for item in own.get("/debug/pprof/").json()["profiles"]]
    assert document["components"]["parameters"]["profile"]["schema"]["enum"] == names


@pytest.mark.parametrize("steps, status", [(0, 400), (1, 200), (64, 200), (65, 400)])
def test_a_chain_has_as_many_steps_as_it_says(own, document, steps, status):
    body = {"chain": ["bare"] * steps}
    schema = document["components"]["schemas"]["Chain"]
    assert own.post("/fn/chain", body).status_code == status
    assert openapi.validator(document, schema).is_valid(body) == (status == 200)


# -- Functions -------------------------------------------------------------------------------------

def test_each_function_that_can_be_called_has_its_path(own, document):
    assert own_names(document) == set(own.get("/fn/list").json()["functions"])
    typed = document["paths"]["/fn/invoke/typed"]["post"]
    assert typed["summary"] == "Takes all types"
    assert not typed["requestBody"]["required"]


def test_examples_and_defaults_are_taken(own, document):
    for name in own_names(document) - {"needy", "broken"}:
        body, schema = body_schema(document, name)
        example = body["content"]["application/json"]["example"]
        assert openapi.validator(document, schema).is_valid(example)
        assert example == {key: spec["default"] for key, spec in schema["properties"].items()
                           if "default" in spec}
        own.result(name, example)


def test_what_has_to_be_given_is_told(own, document):
    body, schema = body_schema(document, "needy")
    assert body["required"] and schema["required"] == ["name"]
    assert "example" not in body["content"]["application/json"]
    expect_error(own.invoke("needy", {}), 400, "bad_params", "parameter name is missing")


VALUES = [None, True, False, -2, -1, 0, 0.5, 0.4, 1, 1.5, 1.6, 2, 3, 3.5, 10, 11, "", "x", "xx",
          "xxxx", "xxxxx", [], [1], [1, 2], [1, 2, 3], {}, {"a": 1}]


@pytest.mark.parametrize("param", ["integer", "number", "string", "boolean", "object", "array",
                                   "any"])
def test_values_are_taken_or_refused_as_the_schema_says(own, document, param):
    _, schema = body_schema(document, "typed")
    checks = openapi.validator(document, schema)
    taken = []
    for value in VALUES:
        reply = own.invoke("typed", {param: value})
        expected = checks.is_valid({param: value})
        if param == "any" and value == "x":  # the bounds are bytes, the schema's are characters
            assert expected and reply.status_code == 400
            continue
        assert reply.status_code == (200 if expected else 400), (value, reply.text)
        taken.append(expected)
    assert {True, False} == set(taken)


@pytest.mark.parametrize("text, status", [("ä", 200), ("ää", 200), ("äää", 400), ("", 400)])
def test_bounds_of_texts_are_bytes(own, document, text, status):
    _, schema = body_schema(document, "typed")
    assert own.invoke("typed", {"string": text}).status_code == status
    spec = schema["properties"]["string"]
    size = len(text.encode())
    assert (spec["x-min-bytes"] <= size <= spec["x-max-bytes"]) == (status == 200)


@pytest.mark.parametrize("name, param, least, most, _", BOUNDS)
def test_built_in_functions_refuse_what_their_schema_refuses(own, document, name, param, least,
                                                             most, _):
    _, schema = body_schema(document, name)
    checks = openapi.validator(document, schema)
    kinds = [None, True, "x", 1, [], {}, "x" * 70000]
    bounds = [least - 1] if least is not None else []
    bounds += [most + 1] if most is not None else []
    wrong = [value for value in kinds + bounds if not checks.is_valid({param: value})]
    assert len(wrong) >= 5
    for value in wrong:
        expect_error(own.invoke(name, {param: value}), 400, "bad_params", f"parameter {param} ")


def test_it_changes_as_functions_do(start):
    server = start({"one": "return {params = {a = {type = 'any'}}, handler = print}"})
    assert "a" in body_schema(document_of(server), "one")[1]["properties"]
    server.write("one", "return {params = {b = {type = 'any'}}, handler = print}")
    server.write("two", "return print")
    wait_until(lambda: {"one", "two"} <= own_names(document_of(server))
               and "b" in body_schema(document_of(server), "one")[1]["properties"],
               "both to be described")
    (server.folder / "two.lua").unlink()
    wait_until(lambda: "two" not in own_names(document_of(server)), "it to be gone")
    assert "one" in own_names(document_of(server))


def test_functions_past_the_bound_are_left_out_from_the_last_names_on(start):
    words = "x" * 200_000
    names = [f"large{i:02}" for i in range(30)]
    server = start({name: f"return {{description = '{words}', handler = print}}" for name in names})
    document = document_of(server)
    assert len(document["paths"]) > 20 and not openapi.faults(document)
    there = server.get("/fn/list").json()["functions"]
    described = own_names(document)
    assert described == set(there[:len(described)])
    assert 15 <= len(described & set(names)) < len(names)
    assert document["x-functions-left-out"] == len(there) - len(described)


# -- Tokens ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("tokens", itertools.product([False, True], repeat=2))
def test_it_tells_which_tokens_are_asked_for(start, tokens):
    admin, invoke = tokens
    env = {**({"FAAS_ADMIN_TOKEN": "a" * 32} if admin else {}),
           **({"FAAS_INVOKE_TOKEN": "i" * 32} if invoke else {})}
    document = document_of(start(env=env))
    told = {path: item[method]["security"] for path, method in
            [("/fn/invoke/hash", "post"), ("/debug/profiling", "put"), ("/fn/list", "get")]
            for item in [document["paths"][path]]}
    assert told == {"/fn/invoke/hash": [{"invoke": []}] if invoke else [],
                    "/debug/profiling": [{"admin": []}] if admin else [],
                    "/fn/list": []}
