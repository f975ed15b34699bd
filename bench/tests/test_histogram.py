"""The histogram in C, against sorting."""

import json
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest

from chatire_bench.places import LOADGEN


@pytest.fixture(scope="session")
def harness(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler on this machine")
    program = tmp_path_factory.mktemp("harness") / "harness"
    sources = [Path(__file__).with_name("histogram_harness.c"), LOADGEN / "histogram.c"]
    subprocess.run([compiler, "-O1", "-I", LOADGEN, "-o", program, *sources], check=True)
    return program


def found(harness, values):
    text = "\n".join(map(str, values))
    done = subprocess.run([harness], input=text, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["found"]


@pytest.mark.parametrize("seed", range(5))
def test_percentiles_are_right_to_one_per_cent(harness, seed):
    random = Random(seed)
    values = sorted(int(random.lognormvariate(6 + seed, 1.5)) for _ in range(5000))
    report = found(harness, values)
    for name, share in (("p50_us", 0.5), ("p90_us", 0.9), ("p99_us", 0.99), ("p999_us", 0.999)):
        exact = values[round(share * len(values)) - 1]
        assert exact <= report[name] <= exact * 1.01 + 1
    assert report["max_us"] == values[-1]
    assert report["count"] == len(values)


def test_small_values_are_exact(harness):
    assert found(harness, range(100))["p50_us"] == 49


def test_nothing_gives_zeros(harness):
    assert set(found(harness, []).values()) == {0}


def test_a_value_beyond_all_measure_is_counted_at_the_end(harness):
    report = found(harness, [1, 2**60])
    assert (report["count"], report["max_us"]) == (2, 2**60)
