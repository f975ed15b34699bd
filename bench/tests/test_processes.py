"""What the kernel says of processes."""

import os
import subprocess
import sys

from chatire_bench import processes
from chatire_bench.cores import Cores

BUSY = "x = 0\nfor n in range(5_000_000): x += n\n"


def test_the_cpu_of_a_family_holds_that_of_children_that_are_gone():
    script = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}]); print('done', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        parent.stdout.readline()
        assert processes.family(parent.pid) == [parent.pid]
        assert processes.cpu_seconds(parent.pid) > 0.03
        parent.communicate("\n")


def test_a_family_is_a_process_and_its_children():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in processes.family(os.getpid())
        assert processes.resident_bytes(child.pid) > 1_000_000
        child.communicate(b"\n")


def test_a_process_is_kept_on_its_cores():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        core = min(os.sched_getaffinity(0))
        processes.pin(child.pid, {core})
        assert os.sched_getaffinity(child.pid) == {core}
        child.communicate(b"\n")


def test_a_process_that_is_gone_has_used_nothing():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert processes.cpu_seconds(child.pid) == 0


def test_the_server_has_a_core_that_nothing_else_has_where_there_are_two():
    cores = Cores.of_this_machine()
    assert len(cores.server) == 1
    assert cores.all == os.sched_getaffinity(0)
    assert len(cores.all) == 1 or not cores.server & cores.others
