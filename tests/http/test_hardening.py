# SPDX-License-Identifier: MIT
"""test_hardening.py - how the server is linked, and libraries that it refuses."""

import os
import pathlib
import re
import subprocess

import pytest

import elf
from server import BINARY

REPLACED = ["phr_decode_chunked", "h2o_http2_handle_upgrade"]


@pytest.fixture(scope="module")
def binary():
    return elf.Elf(pathlib.Path(BINARY))


def test_is_position_independent(binary):
    assert binary.type == elf.ET_DYN
    assert binary.dynamic[elf.DT_FLAGS_1] & elf.DF_1_PIE


def test_is_bound_at_start_and_then_read_only(binary):
    assert (binary.dynamic.get(elf.DT_FLAGS, 0) & elf.DF_BIND_NOW
            or binary.dynamic[elf.DT_FLAGS_1] & elf.DF_1_NOW)
    assert binary.segment(elf.PT_GNU_RELRO)


def test_no_memory_is_both_writable_and_executable(binary):
    assert not binary.segment(elf.PT_GNU_STACK)[1] & elf.PF_X
    assert all(segment[1] & 3 != 3 for segment in binary.segments)


def test_functions_check_their_stack(binary):
    assert "__stack_chk_fail" in binary.imports()


def test_calls_the_checked_functions_of_libc(binary):
    checked = {name for name in binary.imports() if re.fullmatch(r"__\w+_chk", name)}
    if not {"__asan_init", "__tsan_init"} & set(binary.imports()):
        assert {"__memcpy_chk", "__snprintf_chk"} <= checked


def libh2o():
    """(path, name) of the one that the server loads."""
    said = subprocess.run(["ldd", BINARY], check=True, capture_output=True, text=True).stdout
    name, path = re.search(r"(libh2o\S*) => (\S+)", said).groups()
    return pathlib.Path(path), name


@pytest.mark.parametrize("symbol", REPLACED)
def test_refuses_a_libh2o_that_bypasses_its_functions(tmp_path, symbol):
    path, name = libh2o()
    library = elf.Elf(path)
    library.bind_to_itself(symbol)
    (tmp_path / name).write_bytes(library.data)
    # Preloaded, because a path of libraries does not come before an RPATH, which Debian 13 needs.
    env = {**os.environ, "LD_PRELOAD": str(tmp_path / name),
           "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
    done = subprocess.run([BINARY, "--listen", "127.0.0.1:0"], env=env, timeout=60, check=False,
                          capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{name} calls its own {symbol}, not the server's" in done.stderr
    assert done.stderr.count("\n") == 1
