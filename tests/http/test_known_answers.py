# SPDX-License-Identifier: MIT
"""test_known_answers.py - what the functions and natives compute, against Python."""

import gzip
import hashlib
import random
import re

import pytest

from server import Server

PLAIN = {
    "pack": """
        local gzip = require("gzip")
        return function(params)
          local packed = gzip.compress(params.text, params.level)
          local hex = packed:gsub(".", function(c) return ("%02x"):format(c:byte()) end)
          return {hex = hex, same = gzip.decompress(packed, #params.text) == params.text}
        end""",
    "sorted": """
        local sort = require("sort")
        return function(params) return {list = sort.strings(params.list)} end""",
    "product": """
        local matrix = require("matrix")
        return function(params)
          local m, rows = matrix.multiply(matrix.from(params.a), matrix.from(params.b)), {}
          for i = 1, #params.a do
            rows[i] = {}
            for j = 1, #params.a do
              rows[i][j] = matrix.get(m, i, j)
            end
          end
          return {rows = rows}
        end""",
    "matches": """
        local regex = require("regex")
        return function(params)
          return {count = regex.count(params.pattern, params.list),
                  first = regex.matches(params.pattern, params.list[1])}
        end""",
    "uuid": """
        local random = require("random")
        return function() return {one = random.uuid(), many = random.uuids(1000)} end""",
}


@pytest.fixture(scope="module", name="own")
def own_server():
    with Server(PLAIN, ["--workers", "1"]) as running:
        yield running


# -- Built-in functions ----------------------------------------------------------------------------

def iterated(text, rounds):
    data = text.encode()
    for _ in range(rounds):
        data = hashlib.sha256(data).digest()
    return data.hex()


@pytest.mark.parametrize("text", ["", "abc", "grüße 漢字 \U0001f600", "a\0b", "x" * 65536])
@pytest.mark.parametrize("rounds", [1, 2, 1000])
def test_hash(server, text, rounds):
    found = server.result("hash", {"rounds": rounds, "input": text})
    assert (found["rounds"], found["hash"]) == (rounds, iterated(text, rounds))


def test_hash_of_no_rounds_is_the_input_in_hex(server):
    assert server.result("hash", {"rounds": 0, "input": "abc"})["hash"] == b"abc".hex()


def test_hash_without_an_input_takes_another_each_time(server):
    hashes = {server.result("hash", {"rounds": 1})["hash"] for _ in range(10)}
    assert len(hashes) == 10


def sieve(limit):
    composite = bytearray(limit + 1)
    found = 0
    for i in range(2, limit + 1):
        if not composite[i]:
            found += 1
            composite[i * i::i] = b"\1" * len(range(i * i, limit + 1, i))
    return found


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4, 8, 9, 10, 25, 96, 97, 120, 121, 1000, 9999, 10000,
                                   65535, 65536, 65537, 131071, 131072, 200000, 1000003])
def test_primes(server, limit):
    assert server.result("primes", {"limit": limit})["primes_found"] == sieve(limit)


@pytest.mark.parametrize("limit, count", [(10**7, 664579), (10**8, 5761455)])
def test_primes_of_large_limits(server, limit, count):
    assert server.result("primes", {"limit": limit})["primes_found"] == count


def lcg_sum(threads, iterations):
    mask, total = 2**64 - 1, 0
    for thread in range(threads):
        for i in range(iterations):
            value = thread * 1000 + i
            for _ in range(2000):
                value = (value * 6364136223846793005 + 1442695040888963407) & mask
            total = (total + value) & mask
    return total


@pytest.mark.parametrize("threads, iterations", [(1, 0), (64, 0), (1, 1), (2, 1), (4, 20), (64, 1)])
def test_contention(server, threads, iterations):
    total = lcg_sum(threads, iterations)
    found = server.result("contention", {"threads": threads, "iterations": iterations})
    assert found["result"] == (total if total <= 2**53 else str(total))


def test_contention_is_the_same_each_time(server):
    results = {server.result("contention", {"threads": 16})["result"] for _ in range(5)}
    assert len(results) == 1


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 100, 5000])
def test_regex(server, count):
    found = server.result("regex", {"count": count})
    assert (found["tested"], found["matches"]) == (count, len(range(0, count, 3)))


def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 24, 35])
def test_fibonacci(server, n):
    found = server.result("fibonacci", {"n": n})
    assert (found["n"], found["result"]) == (n, fibonacci(n))


def test_fibonacci_without_n_takes_one_from_35_to_39(server):
    found = server.result("fibonacci")
    assert 35 <= found["n"] <= 39 and found["result"] == fibonacci(found["n"])


@pytest.mark.parametrize("size", [0, 1, 100, 50000, 1000000])
def test_compress(server, size):
    found = server.result("compress", {"size": size})
    packed = found["compressed_bytes"]
    assert found["input_bytes"] == size
    # 26 letters hold 4.7 bits each; header and trailer are 18 bytes
    assert 18 <= packed and 0.58 * size < packed < 0.7 * size + 40
    expected = (1 - packed / size) * 100 if size else 0
    assert found["ratio"] == pytest.approx(expected, abs=0.00501)


@pytest.mark.parametrize("size", [0, 1, 5000, 100000])
def test_transform(server, size):
    found = server.result("transform", {"size": size})
    spread = 5 * (size / 4) ** 0.5  # five standard deviations
    assert found["processed"] == size
    assert abs(found["filtered"] - size * 500 / 1001) <= spread


@pytest.mark.parametrize("size", [1, 2, 100000])
def test_sort(server, size):
    found = server.result("sort", {"size": size})
    assert found["sorted"] == size
    assert re.fullmatch(r"item-\d+", found["first"]) and int(found["first"][5:]) < 10 * size


def test_matrix_elements_differ_and_are_of_the_right_size(server):
    found = [server.result("matrix", {"dim": 100})["checksum"] for _ in range(3)]
    assert len(set(found)) == 3
    assert all(10 < value < 40 for value in found)  # 25 on average, a deviation of 2.2


def test_sleep_sleeps(server):
    found = server.result("sleep", {"ms": 150})
    assert found["slept_ms"] == 150 and found["latency_ms"] >= 150


def test_sleep_without_ms_takes_100_to_299(server):
    found = server.result("sleep")
    assert 100 <= found["slept_ms"] <= 299 and found["latency_ms"] >= found["slept_ms"]


@pytest.mark.parametrize("body, expected", [
    ({"count": 2, "function": "primes", "params": {"limit": 10}},
     [{"limit": 10, "primes_found": 4}] * 2),
    ({"count": 1, "function": "fanout", "params": {
        "count": 2, "function": "hash", "params": {"rounds": 1, "input": "abc"}}},
     [{"fanout": 2, "results": [{"rounds": 1, "hash": iterated("abc", 1)}] * 2}]),
    ({"function": "hash", "params": {"rounds": 2, "input": ""}},
     [{"rounds": 2, "hash": iterated("", 2)}] * 3),
])
def test_fanout(server, body, expected):
    assert server.result("fanout", body)["results"] == expected


def test_fanout_tells_of_failed_children_in_their_place(server):
    for name, params, code in [("nope", {}, "unknown_function"),
                               ("primes", {"limit": -1}, "bad_params")]:
        results = server.result("fanout", {"function": name, "params": params})["results"]
        assert [item["code"] for item in results] == [code] * 3


# -- Natives ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("level", [None, 0, 1, 6, 9])
@pytest.mark.parametrize("text", ["", "a", "Ab\0ü漢" * 500, "".join(
    random.Random(1).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=50000))])
def test_what_gzip_compresses_python_decompresses(own, text, level):
    found = own.result("pack", {"text": text} if level is None else {"text": text, "level": level})
    assert gzip.decompress(bytes.fromhex(found["hex"])).decode() == text
    assert found["same"] is True


LISTS = [[], ["b"], ["b", "a"], ["", "a", ""], ["a", "B", "ä", "z", "A\0", "A", "漢", "\x7f"],
         ["x" * n for n in range(50, 0, -1)],
         [f"item-{random.Random(2).randrange(10**6)}" for _ in range(10)] * 20,
         [f"item-{n * 7919 % 20011}" for n in range(20000)]]


@pytest.mark.parametrize("items", LISTS)
def test_strings_are_sorted_by_their_bytes(own, items):
    found = own.result("sorted", {"list": items})["list"]
    assert found == sorted(items, key=str.encode)


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 64])
def test_product_of_matrices(own, dim):
    numbers = random.Random(dim)
    a, b = ([[numbers.uniform(-1, 1) for _ in range(dim)] for _ in range(dim)] for _ in range(2))
    rows = own.result("product", {"a": a, "b": b})["rows"]
    for i in range(dim):
        for j in range(dim):
            expected = sum(a[i][k] * b[k][j] for k in range(dim))
            assert rows[i][j] == pytest.approx(expected, abs=1e-9)


EMAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"
QUAD = r"\d{1,3}(?:\.\d{1,3}){3}"


@pytest.mark.parametrize("pattern, items", [
    (f"{EMAIL}|{QUAD}", ["user0@example.com", "1.2.3.4", "1.2.3", "a@b", "a@b.co\n", " a@b.co",
                         "255.255.255.2555", "a@b.c", "x+y@a-b.de", ""]),
    ("a|ab", ["ab", "a", "abc", "b"]),  # the whole string, also where a shorter branch matches
    (r"", ["", "x"]),
])
def test_regex_matches_whole_strings(own, pattern, items):
    found = own.result("matches", {"pattern": pattern, "list": items})
    whole = [bool(re.fullmatch(pattern, item)) for item in items]
    assert (found["count"], found["first"]) == (sum(whole), whole[0])


def test_uuids_are_random_and_of_version_4(own):
    found = own.result("uuid")
    ids = [found["one"], *found["many"]]
    assert len(set(ids)) == 1001
    form = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert all(re.fullmatch(form, item) for item in ids)
