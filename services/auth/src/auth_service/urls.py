"""All paths of the auth service."""

from django.urls import include, path

from auth_service.tokens.keys import key_ring
from chatire_shared.http import health


def _keys_check() -> None:
    key_ring().keys()


urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz({"database": health.database_check, "keys": _keys_check})),
    path("", include("auth_service.accounts.urls")),
    path("", include("auth_service.tokens.urls")),
]

handler400 = "chatire_shared.http.problems.bad_request"
handler403 = "chatire_shared.http.problems.permission_denied"
handler404 = "chatire_shared.http.problems.not_found"
handler500 = "chatire_shared.http.problems.server_error"
