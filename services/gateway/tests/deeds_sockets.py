"""What sockets do, and their time: come, resume, go, stay silent, take little, show fresh tokens or bad ones."""

from __future__ import annotations

from random import Random

import doorman
from truth import id_of
from weather import PEOPLE, TOKEN_SECONDS, Deeds, Weather

from gateway_service.realtime import protocol


def _come(weather: Weather, random: Random) -> bool:
    if weather.is_full():
        return False
    cursors = weather.cursors(random)
    epochs = {place: weather.stage.truth.logs[place].epoch for place in cursors if random.random() < 0.3}
    if cursors and random.random() < 0.1:
        epochs[next(iter(cursors))] = id_of("another")
    weather.come(random.choice(PEOPLE), cursors, epochs, random)
    return True


def _read_opening(weather: Weather, random: Random) -> bool:
    unread = [opening for opening in weather.stage.openings if opening.memberships is None]
    if unread:
        weather.stage.read_opening(random.choice(unread))
    return bool(unread)


def _finish_opening(weather: Weather, random: Random) -> bool:
    able = [opening for opening in weather.stage.openings if opening.memberships]
    if able:
        weather.open(able[0])
    return bool(able)


def _open_all(weather: Weather, random: Random) -> bool:
    waiting = list(weather.stage.openings)
    for opening in waiting:
        weather.open_at_once(opening)
    return bool(waiting)


def _resume(weather: Weather, random: Random) -> bool:
    watcher = weather.watcher(random)
    if watcher is None:
        return False
    text = doorman.resume({**weather.cursors(random), doorman.NOBODY: 3})
    frame = weather.doorman.says(watcher.name, text)
    assert isinstance(frame, protocol.Resume)
    weather.stage.resume(watcher.name, frame.cursors, frame.epochs)
    return True


def _disconnect(weather: Weather, random: Random) -> bool:
    """It goes, and perhaps comes back with all it has."""
    watcher = weather.watcher(random)
    if watcher is None:
        return False
    weather.stage.close(watcher.name)
    weather.doorman.left(watcher.name)
    if random.random() < 0.5:
        weather.come(watcher.user, dict(watcher.last), {}, random)
    return True


def _return(weather: Weather, random: Random) -> bool:
    """Somebody who was sent away comes back with a fresh token and all they have."""
    if not weather.sent_away or weather.is_full():
        return False
    watcher = weather.sent_away.pop()
    weather.come(watcher.user, dict(watcher.last), {}, random)
    return True


def _drain(weather: Weather, random: Random) -> bool:
    """A slow socket has taken something."""
    if not weather.stage.thirsty:
        return False
    name = random.choice(sorted(weather.stage.thirsty))
    weather.stage.run(weather.stage.hub.pump(name, random.randrange(1, 2_000)))
    return True


def _stay_silent(weather: Weather, random: Random) -> bool:
    """A socket knocks and says nothing."""
    if weather.is_full():
        return False
    weather.doorman.knock(weather.name())
    return True


def _ping(weather: Weather, random: Random) -> bool:
    for name in list(weather.stage.watchers):
        weather.doorman.says(name, doorman.PING)
    return bool(weather.stage.watchers)


def _authenticate_again(weather: Weather, random: Random) -> bool:
    """With a fresh token mostly; else an expired one, somebody else's, or none."""
    watcher = weather.watcher(random)
    if watcher is None:
        return False
    user = watcher.user if random.random() < 0.9 else random.choice(PEOPLE)
    lives = random.choice([30, TOKEN_SECONDS, TOKEN_SECONDS, TOKEN_SECONDS, 0])
    token = doorman.token_of(user, random.randrange(3), weather.doorman.unix + lives)
    weather.doorman.says(watcher.name, doorman.auth(token if random.random() < 0.95 else "no token"))
    stays = watcher.name in weather.doorman.guests
    assert stays == (watcher.name in weather.stage.watchers)
    return True


def _revoke(weather: Weather, random: Random) -> bool:
    weather.doorman.revoke(doorman.session_id(random.choice(PEOPLE), random.randrange(3)))
    return True


def _wait(weather: Weather, random: Random) -> bool:
    weather.doorman.turn(random.choice([1, 5, 12, 26]))
    return True


SOCKET_DEEDS: Deeds = {
    "come": (_come, 6),
    "read opening": (_read_opening, 6),
    "finish opening": (_finish_opening, 6),
    "open all": (_open_all, 4),
    "resume": (_resume, 5),
    "disconnect": (_disconnect, 4),
    "return": (_return, 4),
    "drain": (_drain, 8),
    "stay silent": (_stay_silent, 1),
    "ping": (_ping, 5),
    "authenticate again": (_authenticate_again, 4),
    "revoke": (_revoke, 1),
    "wait": (_wait, 4),
}
