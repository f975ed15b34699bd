"""Paths for the gateway."""

from __future__ import annotations

from django.urls import path

from messages_service.internal import views
from messages_service.internal.batch import batch

urlpatterns = [
    path("internal/messages/batch/", batch),
    path("internal/users/<uuid:user_id>/memberships/", views.memberships),
    path("internal/memberships/", views.memberships_of_many),
    path("internal/reads/", views.reads),
    path("internal/events/ranges/", views.ranges),
    path("internal/heads/", views.heads),
]
