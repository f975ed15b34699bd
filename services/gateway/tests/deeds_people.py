"""What people do in conversations, and what the messages service does to their logs."""

from __future__ import annotations

from random import Random

from weather import PEOPLE, PLACES, Deeds, Weather


def _post(weather: Weather, random: Random) -> bool:
    log = weather.log(random)
    if log is None:
        return False
    for _ in range(random.choice([1, 1, 2, 6])):
        weather.stage.publish(weather.stage.truth.post(log.id, PEOPLE[0]))
    return True


def _say(weather: Weather, random: Random) -> bool:
    """A message that everything before it has made way for."""
    posted = _post(weather, random)
    weather.stage.hear_all()
    return posted


def _add_or_remove(weather: Weather, random: Random) -> bool:
    log, user = weather.log(random), random.choice(PEOPLE)
    if log is None:
        return False
    change = weather.stage.truth.remove if log.stay(user) else weather.stage.truth.add
    weather.stage.publish(change(log.id, user))
    return True


def _remove_and_add_again(weather: Weather, random: Random) -> bool:
    log, user = weather.log(random), random.choice(PEOPLE)
    if log is None or not log.stay(user):
        return False
    weather.stage.publish(weather.stage.truth.remove(log.id, user))
    for _ in range(random.randrange(3)):
        weather.stage.publish(weather.stage.truth.post(log.id, user))
    weather.stage.publish(weather.stage.truth.add(log.id, user))
    return True


def _delete(weather: Weather, random: Random) -> bool:
    log = weather.stage.truth.logs[PLACES[1]]
    if log.deleted or not any(log.stay(user) for user in PEOPLE):
        return False
    weather.stage.publish(weather.stage.truth.delete(log.id))
    return True


def _restore(weather: Weather, random: Random) -> bool:
    weather.stage.truth.restore(PLACES[0], random.randrange(13))
    return True


def _evict(weather: Weather, random: Random) -> bool:
    """Old events are kept no longer; a process that still needs them can't go on, and may send all to HTTP."""
    log = weather.stage.truth.logs[PLACES[0]]
    log.kept_from = random.randrange(log.kept_from, max(log.last_seq, log.kept_from) + 1)
    log.troubled = log.troubled or weather.stage.oldest_position(log.id) + 1 < log.kept_from
    return True


PEOPLE_DEEDS: Deeds = {
    "post": (_post, 10),
    "say": (_say, 8),
    "add or remove": (_add_or_remove, 8),
    "remove and add again": (_remove_and_add_again, 3),
    "delete": (_delete, 1),
    "restore": (_restore, 1),
    "evict": (_evict, 2),
}
