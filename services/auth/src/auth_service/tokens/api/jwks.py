"""`/.well-known/jwks.json`: the public keys of access tokens (RFC 7517)."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from auth_service.tokens.api.signing_in import PublicView
from auth_service.tokens.keys import key_ring


class JwksView(PublicView):
    """The keys."""

    def get(self, request: Request) -> Response:
        """Previous, current and next."""
        return Response(key_ring().jwks())
