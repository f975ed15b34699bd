"""The service's own settings on throw-away servers, with keys of the test session's own."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from chatire_shared.testing.fake_auth import FakeAuth
from chatire_shared.testing.servers import ensure_postgres, ensure_redis
from chatire_shared.testing.tokens import TokenMint, public_jwk

SERVICES = {name: TokenMint(kid=name) for name in ("auth", "messages", "gateway")}
_folder = tempfile.TemporaryDirectory(prefix="chatire-messages-tests-")
_files = Path(_folder.name)
(_files / "secret").write_text("only for tests")
(_files / "service.pem").write_bytes(SERVICES["messages"].pem())
_jwks = {"keys": [public_jwk(mint.private_key.public_key(), name) for name, mint in SERVICES.items()]}
(_files / "services.json").write_text(json.dumps(_jwks))
AUTH = FakeAuth(_jwks)
os.environ |= {
    "CHATIRE_SECRET_KEY_FILE": str(_files / "secret"),
    "CHATIRE_SERVICE_KEY_FILE": str(_files / "service.pem"),
    "CHATIRE_SERVICE_KEYS_FILE": str(_files / "services.json"),
    "CHATIRE_MESSAGES_DATABASE_URL": ensure_postgres(),
    "CHATIRE_REDIS_URL": ensure_redis(),
    "CHATIRE_AUTH_URL": AUTH.url,
    "CHATIRE_PUBLIC_ORIGIN": "http://localhost:8000",
    "CHATIRE_LIMITS": "off",
}

from messages_service.settings import *  # noqa: E402, F403 (the service's settings, once the environment is there)
