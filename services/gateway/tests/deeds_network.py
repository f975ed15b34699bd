"""What the bus, the other services and the process itself do: late, twice, in another order, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from stage import Stage
from weather import Deed, Deeds, Weather

from gateway_service.realtime.frames import Frame
from gateway_service.realtime.ring import Entry


def _pick(random: Random, length: int) -> int:
    return random.randrange(length)


def _hear(weather: Weather, random: Random) -> bool:
    if not weather.stage.bus:
        return False
    weather.stage.hear(0 if random.random() < 0.5 else _pick(random, len(weather.stage.bus)))
    return True


def _hear_in_order(weather: Weather, random: Random) -> bool:
    had = bool(weather.stage.bus)
    weather.stage.hear_all()
    return had


def _drop(weather: Weather, random: Random) -> bool:
    if not weather.stage.bus:
        return False
    weather.stage.bus.pop(_pick(random, len(weather.stage.bus)))
    return True


def _duplicate(weather: Weather, random: Random) -> bool:
    bus = weather.stage.bus
    if not bus:
        return False
    bus.insert(_pick(random, len(bus) + 1), bus[_pick(random, len(bus))])
    return True


def _reorder(weather: Weather, random: Random) -> bool:
    random.shuffle(weather.stage.bus)
    return len(weather.stage.bus) > 1


def _go_deaf(weather: Weather, random: Random) -> bool:
    was, weather.stage.deaf = weather.stage.deaf, True
    return not was


def _hear_again(weather: Weather, random: Random) -> bool:
    was, weather.stage.deaf = weather.stage.deaf, False
    if was:
        weather.stage.poll()
    return was


def _forge(weather: Weather, random: Random) -> bool:
    """Somebody publishes an event of the far future."""
    log = weather.log(random)
    if log is None or log.id not in weather.stage.subscribed:
        return False
    log.troubled = True
    entry = Entry(log.last_seq + random.randrange(1_000, 1_050), Frame(b'{"type":"event"}'))
    weather.stage.run(weather.stage.hub.event(log.id, log.epoch, entry))
    return True


def _forge_tick(weather: Weather, random: Random) -> bool:
    log = weather.log(random)
    if log is None:
        return False
    log.troubled = True
    weather.stage.run(weather.stage.hub.ticked({log.id: log.last_seq + random.randrange(1, 50)}))
    return True


def _tick(weather: Weather, random: Random) -> bool:
    weather.stage.tick()
    return True


def _poll(weather: Weather, random: Random) -> bool:
    weather.stage.poll()
    return True


def _from_queue(queue: Callable[[Stage], Sequence[object]], act: Callable[[Stage, int], None]) -> Deed:
    """A deed to one thing that is under way, whichever."""

    def deed(weather: Weather, random: Random) -> bool:
        waiting = queue(weather.stage)
        if not waiting:
            return False
        act(weather.stage, _pick(random, len(waiting)))
        return True

    return deed


def _check_heads(weather: Weather, random: Random) -> bool:
    if not weather.stage.head_checks:
        return False
    weather.stage.check_heads()
    return True


def _sweep(weather: Weather, random: Random) -> bool:
    weather.stage.sweep(random.choice([1.0, 46.0]))
    return True


def _kill(weather: Weather, random: Random) -> bool:
    """The process dies; every socket comes back to the next one, with what it has."""
    lost = weather.stage.kill()
    weather.doorman.forget_all()
    for watcher in lost:
        opening = weather.come(watcher.user, dict(watcher.last), {}, random)
        if random.random() < 0.5:
            weather.open_at_once(opening)
    return bool(lost)


def _heal(weather: Weather, random: Random) -> bool:
    weather.heal()
    return True


def _rest(weather: Weather, random: Random) -> bool:
    """Everything under way arrives, but nobody looks for what was lost."""
    room = weather.stage.room
    weather.stage.settle()
    weather.stage.room = room
    return True


NETWORK_DEEDS: Deeds = {
    "hear": (_hear, 14),
    "hear in order": (_hear_in_order, 6),
    "drop": (_drop, 8),
    "duplicate": (_duplicate, 6),
    "reorder": (_reorder, 3),
    "go deaf": (_go_deaf, 1),
    "hear again": (_hear_again, 3),
    "forge": (_forge, 1),
    "forge a tick": (_forge_tick, 1),
    "tick": (_tick, 4),
    "poll": (_poll, 3),
    "confirm": (_from_queue(lambda stage: stage.subscribing, Stage.confirm), 6),
    "read range": (_from_queue(lambda stage: stage.fetches, Stage.read_range), 8),
    "answer": (_from_queue(lambda stage: stage.answers, Stage.apply_range), 8),
    "double answer": (_from_queue(lambda stage: stage.answers, Stage.double_answer), 2),
    "hold ends": (_from_queue(lambda stage: stage.holds, Stage.expire_hold), 6),
    "check heads": (_check_heads, 4),
    "read members": (_from_queue(lambda stage: stage.refreshes, Stage.read_members), 5),
    "members": (_from_queue(lambda stage: stage.read_memberships, Stage.apply_members), 5),
    "sweep": (_sweep, 2),
    "kill": (_kill, 1),
    "heal": (_heal, 2),
    "rest": (_rest, 2),
}
