# SPDX-License-Identifier: MIT
"""test_writing.py - function files that are being written: no call ever sees half of one."""

import pytest

from pressure import Pressure
from server import expect_error, wait_until
from versions import by_rename, halves, in_pieces, look, text_of, tools_of

FIRST = {"changing": text_of(1), "lib/tools": tools_of(1)}


def version_of(server):
    return server.result("changing")["last"]


@pytest.mark.parametrize("name, text_like", [("changing", text_of), ("lib/tools", tools_of)])
def test_file_that_is_written_slowly_is_not_seen_before_it_is_closed(start, name, text_like):
    server = start(FIRST)
    first, last = halves(text_like(2))
    with (server.folder / f"{name}.lua").open("w") as file:
        for piece in (first, last):
            file.write(piece)
            file.flush()
            for _ in range(300):  # much longer than a file is left to its writer without a lease
                result = server.result("changing")
                assert (result["first"], result["last"], result["tools"]) == (1, 1, True)
    if name == "changing":
        wait_until(lambda: version_of(server) == 2, "the new version")
    else:
        wait_until(lambda: server.detail("changing")["version"] == 2, "the new version")
    assert server.detail("changing")["error"] is None


def test_file_that_is_open_at_the_start_is_waited_for(start, tmp_path):
    path = tmp_path / "late.lua"
    first, last = halves(text_of(1))
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "tools.lua").write_text(tools_of(1))
    with path.open("w") as file:
        file.write(first)
        file.flush()
        server = start(flags=["--functions", str(tmp_path)])
        expect_error(server.invoke("late"), 404, "unknown_function", "", "late")
        file.write(last)
    wait_until(lambda: server.invoke("late").status_code == 200, "the function")
    assert server.result("late")["last"] == 1


@pytest.mark.parametrize("write", [by_rename, in_pieces])
def test_no_call_fails_or_sees_half_of_a_file_under_load(start, write):
    server = start(FIRST, ["--workers", "2"])
    with Pressure(server.port, 4, 2, "changing", b"", look) as load:
        for version in range(2, 22):
            write(server.folder / "lib" / "tools.lua", tools_of(version))
            write(server.folder / "changing.lua", text_of(version))
            wait_until(lambda wanted=version: load.seen[wanted], f"version {version}")
    assert set(load.seen) == set(range(1, 22)), load.seen
