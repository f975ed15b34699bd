"""Paths of sign-in, sessions, tokens and keys."""

from __future__ import annotations

from django.urls import path

from auth_service.tokens.api.jwks import JwksView
from auth_service.tokens.api.sessions import LogoutView, PasswordChangeView, SessionsView, SessionView
from auth_service.tokens.api.signing_in import RefreshView, RegisterView, TokenView

urlpatterns = [
    path("api/auth/register/", RegisterView.as_view()),
    path("api/auth/token/", TokenView.as_view()),
    path("api/auth/token/refresh/", RefreshView.as_view()),
    path("api/auth/logout/", LogoutView.as_view()),
    path("api/auth/sessions/", SessionsView.as_view()),
    path("api/auth/sessions/<uuid:session_id>/", SessionView.as_view()),
    path("api/auth/password/change/", PasswordChangeView.as_view()),
    path("api/auth/.well-known/jwks.json", JwksView.as_view()),
]
