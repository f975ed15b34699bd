"""A stop asked for by a signal is heard whenever the signal comes."""

import subprocess
import sys

from chatire_local.checkout import LOCAL

# Signals at random instants of a wait. With threading.Event in the place of Flag this hangs within moments.
STORM = """
import random, signal
from chatire_local.stack.flag import Flag
flag = Flag()
signal.signal(signal.SIGALRM, lambda number, frame: flag.set())
for _ in range(5000):
    flag = Flag()
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 1e-4))
    while not flag.wait(1e-5):
        pass
"""


def test_signal_in_the_middle_of_a_wait_is_heard() -> None:
    subprocess.run([sys.executable, "-c", STORM], env={"PYTHONPATH": str(LOCAL)}, timeout=60, check=True)
