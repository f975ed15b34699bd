"""`/api/auth/me/`: one's own account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from auth_service.accounts.api.fields import RuledField
from auth_service.accounts.models import User
from auth_service.accounts.rules import profiles
from auth_service.accounts.selectors.people import own_account
from auth_service.accounts.services.profiles import update_profile
from chatire_shared.http.bodies import StrictSerializer


class ProfileBody(StrictSerializer):
    """What can be changed; the address and the user name can't be yet."""

    display_name = RuledField(profiles.display_name_problem, required=False)
    status_text = RuledField(profiles.status_text_problem, required=False, allow_blank=True)
    locale = RuledField(profiles.locale_problem, required=False)
    avatar_url = serializers.JSONField(required=False, allow_null=True)

    def validate_avatar_url(self, value: Any) -> None:
        """Only null, until there are files to point at."""
        if value is not None:
            detail = "Pictures can't be set yet; send null or leave this out."
            raise serializers.ValidationError(detail, code="invalid")


class MeView(APIView):
    """Read and change one's own account."""

    def get(self, request: Request) -> Response:
        """The account."""
        return Response(own_account(_user(request)))

    def patch(self, request: Request) -> Response:
        """Change parts of it."""
        body = ProfileBody(data=request.data)
        body.is_valid(raise_exception=True)
        changes = {name: value for name, value in body.validated_data.items() if name != "avatar_url"}
        user = update_profile(user_id=_user(request).id, changes=changes, now=datetime.now(UTC))
        return Response(own_account(user))


def _user(request: Request) -> User:
    """The row that authentication has just read."""
    user: User = request.auth.user
    return user
