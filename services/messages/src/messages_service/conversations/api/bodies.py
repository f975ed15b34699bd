"""What requests about conversations may contain."""

from __future__ import annotations

from rest_framework import serializers

from chatire_shared.http.bodies import (
    StrictCharField,
    StrictChoiceField,
    StrictIntegerField,
    StrictSerializer,
    StrictUuidField,
)
from messages_service.conversations.rules.kinds import History, Kind, Role
from messages_service.conversations.services import inviting
from messages_service.conversations.services.members import MAX_MEMBERS_PER_CALL


class CreateBody(StrictSerializer):
    """`POST conversations/`."""

    kind = StrictChoiceField(choices=[(kind.value, kind.value) for kind in Kind])
    title = StrictCharField(required=False, allow_null=True, allow_blank=True)
    topic = StrictCharField(required=False, allow_blank=True)
    member_ids = serializers.ListField(child=StrictUuidField(), required=False, max_length=MAX_MEMBERS_PER_CALL)
    history = StrictChoiceField(choices=[(history.value, history.value) for history in History], required=False)


class UpdateBody(StrictSerializer):
    """`PATCH conversations/{id}/`."""

    title = StrictCharField(required=False, allow_null=True, allow_blank=True)
    topic = StrictCharField(required=False, allow_blank=True)


class AddBody(StrictSerializer):
    """`POST conversations/{id}/members/`."""

    user_ids = serializers.ListField(child=StrictUuidField(), min_length=1, max_length=MAX_MEMBERS_PER_CALL)


class RoleBody(StrictSerializer):
    """`PATCH conversations/{id}/members/{user_id}/`."""

    role = StrictChoiceField(choices=[(role.value, role.value) for role in Role])


class InviteBody(StrictSerializer):
    """`POST conversations/{id}/invites/`."""

    expires_in_seconds = StrictIntegerField(
        required=False, min_value=inviting.SHORTEST_SECONDS, max_value=inviting.LONGEST_SECONDS
    )
    max_uses = StrictIntegerField(required=False, allow_null=True, min_value=1, max_value=inviting.MOST_USES)


class EmptyBody(StrictSerializer):
    """A call without a body, or with an empty object."""
