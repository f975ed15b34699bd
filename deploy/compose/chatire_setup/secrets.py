"""Makes the secrets on a first start and hands each part its own: `python -m chatire_setup.secrets`.

All of them are kept in one volume, which nothing that serves anybody mounts; what is handed out are copies. Run again, it
makes only what is missing and gives everybody the same as before.
"""

import hashlib
import os
import sys
from pathlib import Path

from chatire_local.data_folder import DataFolder
from chatire_local.keyring import Keyring

KEPT = Path("/kept")
HANDED = Path("/handed")

POSTGRES = "postgres:5432"
REDIS = "redis:6379"

# What a client does to connect, and what the channel layer and the bell need. With it nobody reads a key, runs a script or
# flushes anything (docs/decisions/0002: all that is lost with Redis is a ring of the bell).
LAYER_COMMANDS = "-@all +ping +client|setinfo +client|setname +publish +subscribe +unsubscribe"
LAYER = f"resetchannels &chatire* {LAYER_COMMANDS}"
# Rate limits are counted by one script, limits/spend.lua, on its own keys.
STATE = f"{LAYER} ~chatire:limit:* +eval +evalsha +time +get +set"


def hand_out(keyring: Keyring) -> dict[str, dict[str, str]]:
    """Who gets which files; the content by name."""
    layer_url, state_url = _redis_url(keyring, "layer"), _redis_url(keyring, "state")
    everybody = keyring.service_keys.read_text()
    return {
        "postgres": {"superuser.password": keyring.password("postgres-superuser")},
        "redis": {"users.acl": redis_users(keyring.password("redis-layer"), keyring.password("redis-state"))},
        # It is called by the others and calls nobody: it verifies and does not sign.
        "auth": {
            "django.secret": keyring.django_secret("auth").read_text(),
            "service-keys.json": everybody,
            "database.url": _database_url(keyring, "auth"),
            "redis.url": state_url,
        },
        "messages": {
            "django.secret": keyring.django_secret("messages").read_text(),
            "service.pem": keyring.service_key("messages").read_text(),
            "service-keys.json": everybody,
            "database.url": _database_url(keyring, "messages"),
            "redis.url": state_url,
        },
        # For their migrations alone: what changes tables is not where requests are served.
        "auth-owner": {"database.url": _database_url(keyring, "auth", "_owner")},
        "messages-owner": {"database.url": _database_url(keyring, "messages", "_owner")},
        # It calls nobody and nobody calls it: no keys.
        "relay": {
            "django.secret": keyring.django_secret("messages").read_text(),
            "database.url": _database_url(keyring, "messages"),
            "redis.url": layer_url,
        },
        "gateway": {
            "django.secret": keyring.django_secret("gateway").read_text(),
            "service.pem": keyring.service_key("gateway").read_text(),
            "redis.url": layer_url,
        },
    }


def redis_users(layer_password: str, state_password: str) -> str:
    """The server's users, with hashes of their passwords; who has none may ask whether it lives."""
    users = {
        "default": "off",
        "health": "on nopass -@all +ping",
        "layer": f"on #{_sha256(layer_password)} {LAYER}",
        "state": f"on #{_sha256(state_password)} {STATE}",
    }
    return "".join(f"user {name} {rules}\n" for name, rules in users.items())


def write(folder: Path, name: str, content: str) -> None:
    """Write a file whole or not at all; its group (the folder's, by setgid) may read it."""
    path, new = folder / name, folder / f".{name}.new"
    if path.exists() and path.read_text() == content:
        return
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    new.chmod(0o440)
    new.rename(path)


def _redis_url(keyring: Keyring, user: str) -> str:
    return f"redis://{user}:{keyring.password(f'redis-{user}')}@{REDIS}/0"


def _database_url(keyring: Keyring, service: str, owner: str = "") -> str:
    database = f"chatire_{service}"
    password = keyring.password(f"{service}{owner.replace('_', '-')}-database")
    return f"postgresql://{database}{owner}:{password}@{POSTGRES}/{database}"


def _sha256(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def main() -> int:
    """Make what is missing, hand out everything, take back what is not handed out any more."""
    data = DataFolder(KEPT)
    data.secrets.mkdir(mode=0o700, exist_ok=True)
    keyring = Keyring(data)
    keyring.make_all()
    for part, files in hand_out(keyring).items():
        for path in (HANDED / part).iterdir():
            if path.name not in files:
                path.unlink()
        for name, content in files.items():
            write(HANDED / part, name, content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
