# SPDX-License-Identifier: MIT
"""test_page_parts.py - what the page computes: texts, requests' bodies, quantiles, trees."""

import subprocess

import pytest


@pytest.fixture(scope="module", name="page")
def page_once(chromium, server):
    chromium.reset()
    chromium.open(server, "start")
    return chromium.driver


@pytest.fixture(name="call")
def call_of_module(page):
    """call("format.js", "pretty", text): what a function of a module of the page returns."""
    return lambda module, name, *given: page.execute_async_script("""
        const [module, name, given, done] = arguments;
        import(`./page/${module}`).then((m) => done(m[name](...given)));""", module, name, given)


@pytest.mark.parametrize("text, lines", [
    ("{}", ["{}"]),
    ("[ ]", ["[]"]),
    ('{"a":1.000,"b":[1,2]}', ["{", '  "a": 1.000,', '  "b": [', "    1,", "    2", "  ]", "}"]),
    ('["a,{\\"]", -1e9, null]', ["[", '  "a,{\\"]",', "  -1e9,", "  null", "]"]),
    ('{"a":{"b":[]}}', ["{", '  "a": {', '    "b": []', "  }", "}"]),
    ("9007199254740993", ["9007199254740993"]),
    ('{"a":"cut', ["{", '  "a": "cut']),
])
def test_json_gets_lines_and_keeps_its_values(call, text, lines):
    assert call("format.js", "pretty", text).split("\n") == lines


@pytest.mark.parametrize("text", ["plain", "it's", "''", "a\\b $HOME `ls` \"x\"", "ä\n€"])
def test_a_shell_reads_what_was_quoted(call, text):
    quoted = call("format.js", "quoted", text)
    assert subprocess.run(["bash", "-c", f"printf %s {quoted}"], check=True, capture_output=True,
                          text=True).stdout == text


@pytest.mark.parametrize("name, value, text", [
    ("nanoseconds", 0, "0"), ("nanoseconds", 999, "999 ns"), ("nanoseconds", 1500, "1.50 µs"),
    ("nanoseconds", 25e6, "25.0 ms"), ("nanoseconds", 123.4e9, "123 s"),
    ("bytes", 0, "0 B"), ("bytes", 1023, "1,023 B"), ("bytes", 1024, "1.00 KiB"),
    ("bytes", 5 << 30, "5.00 GiB"), ("number", 1234567, "1,234,567"), ("number", 0.5, "0.50"),
])
def test_amounts_are_told_with_three_digits(call, name, value, text):
    assert call("format.js", name, value) == text


@pytest.mark.parametrize("now, before, share, seconds", [
    ({"0.1": 0, "1": 0, "+Inf": 0}, {}, 0.5, None),
    ({"0.1": 10, "1": 10, "+Inf": 10}, {}, 0.5, 0.05),
    ({"0.1": 10, "1": 20, "+Inf": 20}, {"0.1": 10, "1": 10, "+Inf": 10}, 0.5, 0.55),
    ({"0.1": 0, "1": 0, "+Inf": 4}, {}, 0.99, 1),
    ({"0.1": 5, "1": 5, "+Inf": 5}, {"0.1": 9, "1": 9, "+Inf": 9}, 0.5, None),  # begun anew
])
def test_quantiles_are_those_of_what_came_since(call, now, before, share, seconds):
    found = call("figures.js", "quantile", now, before, share)
    assert found == (seconds if seconds is None else pytest.approx(seconds))


PARAMS = {"n": {"type": "integer", "max": 5}, "s": {"type": "string"}, "o": {"type": "object"},
          "b": {"type": "boolean"}}


@pytest.mark.parametrize("values, body", [
    ({}, ""),
    ({"n": "", "s": ""}, ""),
    ({"n": "3"}, '{"n":3}'),
    ({"n": "123456789012345678901"}, '{"n":123456789012345678901}'),
    ({"n": "three"}, '{"n":"three"}'),
    ({"n": "03"}, '{"n":"03"}'),
    ({"s": "3"}, '{"s":"3"}'),
    ({"s": 'a"\n'}, '{"s":"a\\"\\n"}'),
    ({"o": "{"}, '{"o":{}'),
    ({"b": "true"}, '{"b":true}'),
])
def test_a_body_has_what_was_typed(call, values, body):
    assert call("form.js", "body", PARAMS, {"mode": "form", "values": values, "json": ""}) == body


# -- Trees -----------------------------------------------------------------------------------------

LEFT = {"frames": ["all", "run", "newstate", "f"],
        "root": [0, 0, [[1, 10, [[3, 30, []]]], [2, 20, []]]]}
RIGHT = {"frames": ["all", "f", "run", "reset"],
         "root": [0, 0, [[2, 5, [[1, 15, [[1, 5, []]]]]], [3, 5, []]]]}


def of_trees(page, script):
    return page.execute_async_script(f"""
        const [left, right, done] = arguments;
        import("./page/flame.js").then(({{treeOf, treeOfBoth, sums, each}}) => {{
          {script}
        }});""", LEFT, RIGHT)


def test_a_node_is_as_wide_as_what_is_in_it(page):
    rows = of_trees(page, """
        const rows = [];
        each(treeOf(left), (n) => rows.push([n.name, n.depth, n.self, n.value]));
        done(rows);""")
    assert rows == [["all", 0, 0, 60], ["run", 1, 10, 40], ["f", 2, 30, 30],
                    ["newstate", 1, 20, 20]]


def test_both_trees_are_divided_by_their_calls(page):
    rows = of_trees(page, """
        const rows = {};
        each(treeOfBoth(treeOf(left), treeOf(right), 10, 5), (n) => {
          rows[`${n.depth} ${n.name}`] = [n.left, n.right, n.leftSelf, n.rightSelf];
        });
        done(rows);""")
    assert rows == {"0 all": [6, 6, 0, 0], "1 run": [4, 5, 1, 1], "2 f": [3, 4, 3, 3],
                    "3 f": [0, 1, 0, 1], "1 newstate": [2, 0, 2, 0], "1 reset": [0, 1, 0, 1]}


def test_a_name_below_itself_counts_once(page):
    rows = of_trees(page, """
        done(sums(treeOf(right), [{self: "self", value: "value"}]));""")
    assert {row["name"]: (row["self"], row["value"]) for row in rows} == {
        "all": (0, 30), "run": (5, 25), "f": (20, 20), "reset": (5, 5)}


@pytest.mark.parametrize("stack, kinds", [
    ("worker invoke:f run f.lua:1,handler sha256.iterate [libcrypto.so.3]",
     "phase phase phase lua native library"),
    ("worker invoke:f loop worker_main run end_call", "phase phase server server server server"),
    ("worker invoke:f close worker_main vm_close [luajit]",
     "phase phase phase server server library"),
    ("worker invoke:f load f.lua:1,main,chunk", "phase phase phase lua"),
    ("worker loop worker_main run", "phase server server server"),
    ("front loop server_main load writev", "server server server server server"),
])
def test_a_frame_is_of_the_function_or_of_the_server(page, stack, kinds):
    names = ["all", *(name.replace(",", " ") for name in stack.split())]
    root = []
    for number in reversed(range(len(names))):
        root = [number, 1, [root] if root else []]
    assert page.execute_async_script("""
        const [tree, done] = arguments, found = [];
        import("./page/flame.js").then(({treeOf, kindOf, each}) => {
          each(treeOf(tree), (node) => found.push(kindOf(node)));
          done(found.slice(1).join(" "));
        });""", {"frames": names, "root": root}) == kinds
