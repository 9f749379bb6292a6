# SPDX-License-Identifier: MIT
"""test_sources.py - sizes, first lines and words of the sources."""

import re

import pytest

from tree import ROOT, expect_none, files, lines, write

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = {".c": 450, ".h": 120}
FORBIDDEN = re.compile(r"\b(strcpy|strcat|v?sprintf|strtok|ato[fil]|atoll|alloca)\s*\(")
OTHER_MACHINE = re.compile(r"/(?:home|Users|work)/|shared[/]prototypes")


def file_sizes(root):
    for file in files(root, "*.[ch]"):
        count, most = len(lines(file)), FILE_LINES_MAX[file.suffix]
        if count > most:
            yield f"{file}: {count} lines, more than {most}"


def functions(file):
    """Their bodies: in our format only those have braces alone at the start of a line."""
    body = None
    for number, line in lines(file):
        if line == "{":
            body = []
        elif line.startswith("}") and body is not None:
            yield body
            body = None
        elif body is not None:
            body.append((number, line))


def function_sizes(root):
    for file in files(root, "*.[ch]"):
        for body in functions(file):
            if len(body) > FUNCTION_LINES_MAX:
                yield f"{file}:{body[0][0]}: {len(body)} lines, more than {FUNCTION_LINES_MAX}"


def conditionals_in_functions(root):
    for file in files(root, "*.[ch]"):
        for body in functions(file):
            for number, line in body:
                if re.match(r"\s*#\s*if", line):
                    yield f"{file}:{number}: #if inside a function"


def first_lines(root):
    for file in files(root, "*.[ch]"):
        text = file.read_text()
        if not text.startswith(f"/* {file.name} - "):
            yield f"{file}:1: must begin with /* {file.name} - what it is"
        if "\n/* SPDX-License-Identifier: MIT */\n" not in text:
            yield f"{file}: no line /* SPDX-License-Identifier: MIT */"
        if file.suffix == ".h" and "\n#pragma once\n" not in text:
            yield f"{file}: no #pragma once"


def scripts(root):
    for file in files(root, "*.js"):
        numbered = lines(file)
        if not numbered or not numbered[0][1].startswith(f"// {file.name} - "):
            yield f"{file}:1: must begin with // {file.name} - what it is"
        if (2, "// SPDX-License-Identifier: MIT") not in numbered:
            yield f"{file}:2: no line // SPDX-License-Identifier: MIT"
        for number, line in numbered:
            if len(line) > 100:
                yield f"{file}:{number}: {len(line)} columns, more than 100"


def forbidden_calls(root):
    for file in files(root, "*.[ch]"):
        for number, line in lines(file):
            for match in FORBIDDEN.finditer(line):
                yield f"{file}:{number}: {match[1]} is not used here"


def other_machines(root):
    for file in files(root, "*"):
        for number, line in lines(file):
            if OTHER_MACHINE.search(line):
                yield f"{file}:{number}: a path of somebody's machine"


RULES = [file_sizes, function_sizes, conditionals_in_functions, first_lines, scripts,
         forbidden_calls, other_machines]


@pytest.mark.parametrize("rule", RULES)
def test_sources_keep(rule):
    expect_none(rule(ROOT))


def function(count):
    return "static void f(void)\n{\n" + "    g();\n" * count + "}\n"


SCRIPT = "// a.js - a script.\n// SPDX-License-Identifier: MIT\n"
GOOD = "/* a.h - a header. */\n/* SPDX-License-Identifier: MIT */\n#pragma once\n"

CASES = [
    (file_sizes, "a.c", "\n" * 450, 0),
    (file_sizes, "a.c", "\n" * 451, 1),
    (file_sizes, "a.h", "\n" * 120, 0),
    (file_sizes, "a.h", "\n" * 121, 1),
    (function_sizes, "a.c", function(60), 0),
    (function_sizes, "a.c", function(60) + function(61), 1),
    (conditionals_in_functions, "a.c", "#ifdef A\n#endif\n" + function(1), 0),
    (conditionals_in_functions, "a.c", "static void f(void)\n{\n#ifdef A\n#endif\n}\n", 1),
    (first_lines, "a.h", GOOD, 0),
    (first_lines, "b.h", GOOD, 1),
    (first_lines, "a.h", GOOD.replace("once", "twice"), 1),
    (first_lines, "a.h", GOOD.replace("SPDX", "spdx"), 1),
    (scripts, "a.js", SCRIPT + "x" * 100 + "\n", 0),
    (scripts, "b.js", SCRIPT, 1),
    (scripts, "a.js", SCRIPT.replace("SPDX", "spdx") + "x" * 101 + "\n", 2),
    (forbidden_calls, "a.c", "strtok_r(a); my_strcpy(a); snprintf(a);\n", 0),
    (forbidden_calls, "a.c", "strcpy(a, b);\nsprintf (a);\nn = atoi(a);\n", 3),
    (other_machines, "a.md", "a framework/working/homes\n", 0),
    (other_machines, ".ci/run", "cd /" + "work/x\n", 1),
    (other_machines, "a.md", "see shared" + "/prototypes\n", 1),
]


@pytest.mark.parametrize("rule, path, text, complaints", CASES)
def test_rule_catches(tmp_path, rule, path, text, complaints):
    write(tmp_path, path, text)
    assert len(list(rule(tmp_path))) == complaints


def test_every_rule_has_been_seen_to_complain():
    assert {rule for rule, _, _, complaints in CASES if complaints} == set(RULES)
