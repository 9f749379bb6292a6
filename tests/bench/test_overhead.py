# SPDX-License-Identifier: MIT
"""test_overhead.py - what is made of raw figures: percentages, intervals, rows, tables as text."""

import pytest

import overhead
from figures import change, interval, render, row, table
from servers import ROOT


def rounds_of(*many):
    """A round for each: of turns of 100 calls a side, so many times as long with profiling."""
    def calls(times):
        return {"latencies": [times] * 98 + [2 * times, 12 * times], "cpu_us": 100 * times}

    return [[{"off": calls(1), "on": calls(times)} for times in turns] for turns in many]


@pytest.mark.parametrize("count, low, high", [
    (1, 1, 1), (3, 1, 3), (6, 1, 6),  # too few to leave one out
    (8, 1, 8), (9, 2, 8), (12, 3, 10), (20, 6, 15),  # from tables of the sign test
])
def test_interval_of_a_median(count, low, high):
    assert interval(range(count, 0, -1)) == (low, high)


def test_change_is_in_per_cent():
    assert change([1.02, .995, 1.3]) == {"median": 2, "low": -.5, "high": 30,
                                         "values": [2, -.5, 30]}


def test_a_function_has_all_its_calls_and_the_changes_of_its_rounds():
    made = overhead.function_row("hash", rounds_of([1.01, 9, .5], [1.5], [1.02]))
    assert made["name"] == "hash" and made["calls"] == 500
    assert [made[f"off {key}"] for key in ("avg", "p50", "p95", "p99")] == [1.12, 1, 1, 2]
    assert [made[f"on {key}"] for key in ("p50", "p99")] == [1.02, 9]
    for key in ("avg %", "p50 %"):
        assert made[key] == {"median": 2, "low": 1, "high": 50, "values": [1, 50, 2]}
    assert made["processor %"]["values"] == [250.3333, 50, 2]


@pytest.mark.parametrize("times, per_cent, met", [(1.0, 0, True), (1.01 ** 11, 1, True),
                                                  (1.03 ** 11, 3, False)])
def test_built_in_functions_are_their_geometric_mean(times, per_cent, met):
    seen = {name: rounds_of([1.0]) for name in overhead.CALLS}
    made = overhead.together_row(seen | {"sort": rounds_of([times])})
    assert made["processor %"]["median"] == per_cent and made["met"] is met
    seen["250 no-ops, cold"] = rounds_of([9])
    assert overhead.together_row(seen)["met"]


def test_every_built_in_function_is_called():
    folder = ROOT / "lua/functions"
    assert {file.stem for file in folder.glob("*.lua")} == set(overhead.FUNCTIONS)


def test_sides_and_functions_take_turns():
    assert [side for turn in range(2) for side in overhead.in_turn(turn)] == [
        "off", "on", "on", "off"]
    assert [overhead.rotated(["a", "b", "c"], turn) for turn in (0, 2, 3)] == [
        ["a", "b", "c"], ["c", "a", "b"], ["a", "b", "c"]]


def test_a_table_has_the_columns_it_names():
    rows = [{"name": "hash", "off": 1234.5, "on": 0.25, "more": change([1.02, .995, 1.3])},
            {"name": "all", "more": change([1]), "met": False, "kept": 7},
            {"name": "lost", "missing": "no time"}]
    assert render(table("title", "how", rows, columns=["off", "on", "more"])).splitlines() == [
        "", "== title ==", "how",
        "what    off     on               more",
        "hash  1,234  0.250  +2.0 (-0.5..30.0)",
        "all                   +0.0 (0.0..0.0)  MISSED",
        "lost                                   not measured: no time"]


def test_a_table_has_medians_otherwise():
    rows = [row("long", [3, 1, 2], "ms", most=2, note="so"), row("b", [.5], "us a call")]
    assert render(table("title", "how", rows)).splitlines() == [
        "", "== title ==", "how",
        "what  median    min    max  unit       goal",
        "long       2      1      3  ms         at most 2  met; so",
        "b      0.500  0.500  0.500  us a call"]
