"""The service's own settings with keys of the test session's own, and addresses of servers that tests start themselves."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from chatire_shared.testing.servers import ensure_redis
from chatire_shared.testing.tokens import TokenMint

SERVICE = TokenMint(kid="gateway")
_folder = tempfile.TemporaryDirectory(prefix="chatire-gateway-tests-")
_files = Path(_folder.name)
(_files / "secret").write_text("only for tests")
(_files / "service.pem").write_bytes(SERVICE.pem())
os.environ |= {
    "CHATIRE_SECRET_KEY_FILE": str(_files / "secret"),
    "CHATIRE_SERVICE_KEY_FILE": str(_files / "service.pem"),
    "CHATIRE_AUTH_URL": "http://127.0.0.1:9",
    "CHATIRE_MESSAGES_URL": "http://127.0.0.1:9",
    "CHATIRE_PUBLIC_ORIGIN": "http://localhost:8000",
    "CHATIRE_ALLOWED_ORIGINS": "https://friends.example",
}
os.environ["CHATIRE_REDIS_URL"] = ensure_redis()

from gateway_service.settings import *  # noqa: E402, F403 (the service's settings, once the environment is there)
