"""Passwords and keys of one installation: made on first use, kept under `secrets/` with mode 0600, never printed."""

import base64
import json
import secrets
from pathlib import Path

from .checkout import SERVICES
from .data_folder import DataFolder, write_private

PASSWORD_BYTES = 24
DJANGO_SECRET_BYTES = 48


class Keyring:
    """The secrets of one data folder, by name."""

    def __init__(self, data: DataFolder) -> None:
        """Use the folder's `secrets/`; nothing is made yet."""
        self._folder = data.secrets

    def make_all(self) -> None:
        """Make whatever is missing, so that no part finds a file that is not there."""
        for name in ("postgres-superuser", "auth-database", "messages-database", "redis"):
            self.password(name)
        for service in SERVICES:
            self.django_secret(service)
        self._make_service_keys()

    def password(self, name: str) -> str:
        """A password that fits into a URL as it is."""
        return self._text(f"{name}.password", PASSWORD_BYTES)

    def django_secret(self, service: str) -> Path:
        """The file with one service's Django secret key."""
        self._text(f"{service}-django.secret", DJANGO_SECRET_BYTES)
        return self._folder / f"{service}-django.secret"

    def service_key(self, service: str) -> Path:
        """The file with the private key a service signs its calls to the others with."""
        return self._folder / f"{service}-service.pem"

    @property
    def service_keys(self) -> Path:
        """The file with the public keys of all services."""
        return self._folder / "service-keys.json"

    def _text(self, name: str, size: int) -> str:
        path = self._folder / name
        if not path.exists():
            write_private(path, secrets.token_urlsafe(size))
        return path.read_text()

    def _make_service_keys(self) -> None:
        """Make the services' key pairs; the set of public keys comes last, so it tells that all are there."""
        if self.service_keys.exists() and all(self.service_key(service).exists() for service in SERVICES):
            return
        public = [_make_key_pair(service, self.service_key(service)) for service in SERVICES]
        write_private(self.service_keys, json.dumps({"keys": public}, indent=2) + "\n")


def _make_key_pair(service: str, path: Path) -> dict[str, str]:
    """Write a P-256 private key unless there is one; return its public half as a JWK."""
    # Imported here: it takes a tenth of a second, and only a first start needs it.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(path, pem.decode())
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path} is not an elliptic-curve key")
    point = key.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "use": "sig",
        "alg": "ES256",
        "kid": service,
        "x": _base64url(point.x),
        "y": _base64url(point.y),
    }


def _base64url(coordinate: int) -> str:
    """A coordinate as RFC 7518 section 6.2.1.2 wants it: always 32 bytes, no padding."""
    return base64.urlsafe_b64encode(coordinate.to_bytes(32, "big")).rstrip(b"=").decode()
