"""Stories made of deeds: told at random by a driver of our own (17,000 steps a second), told again, and made shorter.

A step is (name of a deed, number); the number decides all that is random in it. So a list of steps is a schedule that
can be run again, and made shorter, and still be the same story.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from traceback import extract_tb

from deeds_network import NETWORK_DEEDS
from deeds_people import PEOPLE_DEEDS
from deeds_sockets import SOCKET_DEEDS
from weather import Deeds, Sizes, Weather

Step = tuple[str, int]
DEEDS: Deeds = PEOPLE_DEEDS | NETWORK_DEEDS | SOCKET_DEEDS


class Broken(AssertionError):
    """The law does not hold; keeps what is needed to see it again."""

    def __init__(self, seed: int, steps: list[Step], error: Exception) -> None:
        """Name the seed, the steps, and what was raised."""
        super().__init__(f"seed {seed}, {len(steps)} steps: {error!r}")
        self.seed = seed
        self.steps = steps
        self.error = error

    def shortest(self) -> list[Step]:
        """The fewest steps that were found to break it at the same place."""
        return shorten(self.seed, self.steps, _place(self.error))


def do(weather: Weather, step: Step) -> bool:
    """One step; False when it could not be done."""
    name, number = step
    return DEEDS[name][0](weather, Random(number))


def run(seed: int, steps: Sequence[Step]) -> Weather:
    """Do `steps` in the weather of `seed`, then heal.

    Raises: whatever the law raises.
    """
    weather = Weather(seed)
    with Sizes(weather):
        for step in steps:
            do(weather, step)
        weather.heal()
    return weather


def drive(seed: int, done: Counter[str], length: int = 120) -> None:
    """Do `length` random steps; each seed prefers some deeds to others, so that rare mixtures come up.

    Raises:
        Broken: the law was broken; it was broken.
    """
    random, weather, steps = Random(seed), Weather(seed), list[Step]()
    names = list(DEEDS)
    weights = [weight * random.choice([0, 1, 1, 1, 6]) for _, weight in DEEDS.values()]
    try:
        with Sizes(weather):
            while len(steps) < length:
                step = random.choices(names, weights)[0], random.getrandbits(30)
                steps.append(step)
                if do(weather, step):
                    done[step[0]] += 1
                else:
                    steps.pop()
            weather.heal()
    except Exception as error:
        raise Broken(seed, steps, error) from error


def shorten(seed: int, steps: list[Step], place: str) -> list[Step]:
    """Leave out what can be left out with the law still broken at the same place."""
    size = len(steps) // 2
    while size:
        start = 0
        while start < len(steps):
            fewer = steps[:start] + steps[start + size :]
            if _breaks(seed, fewer) == place:
                steps = fewer
            else:
                start += size
        size //= 2
    return steps


def _breaks(seed: int, steps: Sequence[Step]) -> str:
    """Where the law is broken by these steps; empty where it isn't."""
    try:
        run(seed, steps)
    except Exception as error:  # noqa: BLE001 (an assertion, or the hub's own exception: either is a break)
        return _place(error)
    return ""


def _place(error: Exception) -> str:
    last = extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"
