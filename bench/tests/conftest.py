"""The two load generators: every test of the wire is made with both."""

import shutil
import sys

import pytest
from alone import bench_alone

from chatire_bench import building
from chatire_bench.processes import family
from chatire_shared.testing.servers import ensure_redis

IN_PYTHON = [sys.executable, "-m", "chatire_bench.loadgen_in_python"]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """The command of the compiled load generator."""
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("there is no C compiler on this machine")
    return building.load_generator(tmp_path_factory.mktemp("kept"))


@pytest.fixture(params=["compiled", "in Python"])
def command(request):
    """Either of them."""
    return IN_PYTHON if request.param == "in Python" else request.getfixturevalue("compiled")


@pytest.fixture(scope="session")
def redis():
    """Started before anybody looks at what a test leaves behind: it stays to the end."""
    return ensure_redis()


@pytest.fixture
def alone(redis, tmp_path, compiled):
    """What a row gets, with real gateways and nothing else of ours."""
    with bench_alone(tmp_path, compiled) as bench:
        yield bench


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """No load generator and no gateway outlives its test."""
    import os

    before = set(family(os.getpid()))
    yield
    assert set(family(os.getpid())) <= before
