"""Paths of accounts."""

from __future__ import annotations

from django.urls import path

from auth_service.accounts.api.internal import ChangesView, InternalUsersView
from auth_service.accounts.api.me import MeView
from auth_service.accounts.api.users import UsersView, UserView

urlpatterns = [
    path("api/auth/me/", MeView.as_view()),
    path("api/auth/users/", UsersView.as_view()),
    path("api/auth/users/<uuid:user_id>/", UserView.as_view()),
    path("internal/changes/", ChangesView.as_view()),
    path("internal/users/", InternalUsersView.as_view()),
]
