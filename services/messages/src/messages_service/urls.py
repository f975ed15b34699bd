"""Every path of the messages service."""

from __future__ import annotations

from django.urls import include, path

from chatire_shared.http.health import database_check, healthz, readyz
from messages_service.following import require_caught_up
from messages_service.identity import keys

handler400 = "chatire_shared.http.problems.bad_request"
handler403 = "chatire_shared.http.problems.permission_denied"
handler404 = "chatire_shared.http.problems.not_found"
handler500 = "chatire_shared.http.problems.server_error"

CHECKS = {"database": database_check, "keys": lambda: keys().ready(), "changes": require_caught_up}

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz(CHECKS)),
    path("", include("messages_service.conversations.urls")),
    path("", include("messages_service.timeline.urls")),
    path("", include("messages_service.internal.urls")),
]
