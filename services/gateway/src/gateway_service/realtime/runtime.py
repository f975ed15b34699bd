"""Putting one process's gateway together from the settings."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings

from chatire_shared.bus.channel_layer import LayerBus
from chatire_shared.clients.service import ServiceClient
from chatire_shared.identity.changes import Change, ChangeFeed, Revocations
from chatire_shared.identity.jwks import JwksCache
from chatire_shared.identity.service_tokens import ServiceSigner
from chatire_shared.identity.verify import Verifier
from gateway_service.realtime.gateway import Gateway
from gateway_service.realtime.upstream import THREADS, Upstream

_PAGE = 500


@cache
def get_gateway() -> Gateway:
    """This process's gateway; made on first use."""
    signer = ServiceSigner.from_file("gateway", settings.SERVICE_KEY_FILE)
    auth = ServiceClient(settings.AUTH_URL, "auth", signer)
    messages = ServiceClient(settings.MESSAGES_URL, "messages", signer, pool_connections=THREADS)
    keys = JwksCache.of_auth(settings.AUTH_URL)
    revocations = Revocations()
    verifier = Verifier(
        keys,
        issuer=settings.TOKEN_ISSUER,
        audience=settings.TOKEN_AUDIENCE,
        is_revoked=revocations.covers,
    )
    bridge = Bridge()
    feed = ChangeFeed(lambda after: _read_changes(auth, after), on_change=bridge, revocations=revocations)
    gateway = Gateway(
        bus=LayerBus.at(settings.REDIS_URL),
        upstream=Upstream.at(messages),
        verifier=verifier,
        keys=keys,
        feed=feed,
        limits=settings.LIMITS,
    )
    bridge.gateway = gateway
    return gateway


class Bridge:
    """Takes changes in the feed's thread and hands them to the gateway in the event loop's."""

    def __init__(self) -> None:
        self.gateway: Gateway | None = None

    def __call__(self, change: Change) -> None:
        """Hand one change over."""
        if self.gateway is not None and self.gateway.loop is not None:
            self.gateway.loop.call_soon_threadsafe(self.gateway.on_change, change)


def _read_changes(auth: ServiceClient, after: int | None) -> dict[str, Any]:
    return auth.get("/internal/changes/", {} if after is None else {"after": after, "limit": _PAGE})
