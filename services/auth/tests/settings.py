"""The service's own settings on throw-away servers, with keys of the test session's own and a cheap password hash."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from chatire_shared.testing.servers import ensure_postgres, ensure_redis
from chatire_shared.testing.tokens import TokenMint, public_jwk

SERVICES = {name: TokenMint(kid=name) for name in ("auth", "messages", "gateway")}
_folder = tempfile.TemporaryDirectory(prefix="chatire-auth-tests-")
_files = Path(_folder.name)
(_files / "secret").write_text("only for tests, and long enough for that")
(_files / "service.pem").write_bytes(SERVICES["auth"].pem())
(_files / "services.json").write_text(
    json.dumps({"keys": [public_jwk(mint.private_key.public_key(), name) for name, mint in SERVICES.items()]})
)
os.environ |= {
    "CHATIRE_SECRET_KEY_FILE": str(_files / "secret"),
    "CHATIRE_SERVICE_KEY_FILE": str(_files / "service.pem"),
    "CHATIRE_SERVICE_KEYS_FILE": str(_files / "services.json"),
    "CHATIRE_AUTH_KEYS_DIR": str(_files / "keys"),
    "CHATIRE_AUTH_DATABASE_URL": ensure_postgres(),
    "CHATIRE_REDIS_URL": ensure_redis(),
    "CHATIRE_PUBLIC_ORIGIN": "http://localhost:8000",
    "CHATIRE_ALLOWED_ORIGINS": "https://chat.example.org",
    "CHATIRE_LIMITS": "off",
    "CHATIRE_LOG_LEVEL": "CRITICAL",
}

from auth_service.settings import *  # noqa: E402, F403 (the service's settings, once the environment is there)

# Tests about hashing name the real one themselves.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "auth_service.accounts.hashing.CappedArgon2id",
]
