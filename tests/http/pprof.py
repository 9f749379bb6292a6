# SPDX-License-Identifier: MIT
"""pprof.py - profiles decoded by classes that protoc makes of host/profile/*.proto."""

import functools
import gzip
import importlib.util
import pathlib
import subprocess
import tempfile

from server import ROOT


@functools.cache
def messages(name):
    """The classes of NAME.proto."""
    source = ROOT / f"host/profile/{name}.proto"
    with tempfile.TemporaryDirectory() as made:
        subprocess.run(["protoc", f"--proto_path={source.parent}", f"--python_out={made}",
                        source.name], check=True)
        spec = importlib.util.spec_from_file_location(f"{name}_pb2",
                                                      pathlib.Path(made, f"{name}_pb2.py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def decode(body):
    profile = messages("profile").Profile()
    profile.ParseFromString(gzip.decompress(body))
    assert profile.string_table[0] == ""
    return profile


def _name(profile, value_type):
    return profile.string_table[value_type.type], profile.string_table[value_type.unit]


def value_types(profile):
    return [_name(profile, value_type) for value_type in profile.sample_type]


def period_type(profile):
    return _name(profile, profile.period_type)


def _labels(profile, sample):
    text = profile.string_table
    return {text[label.key]: text[label.str] for label in sample.label}


def labels(profile):
    """{key: text} of each sample."""
    return [_labels(profile, sample) for sample in profile.sample]


def totals(profile, **wanted):
    """Sums of each value, over the samples that have at least these labels."""
    sums = [0] * len(profile.sample_type)
    for sample in profile.sample:
        if wanted.items() <= _labels(profile, sample).items():
            sums = [so_far + value for so_far, value in zip(sums, sample.value)]
    return sums


def names(profile):
    """Of all functions, which frames of phases are too."""
    return {profile.string_table[function.name] for function in profile.function}
