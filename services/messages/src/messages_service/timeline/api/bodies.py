"""What requests about messages may contain."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from chatire_shared.contracts.errors import Invalid
from chatire_shared.http.bodies import StrictCharField, StrictIntegerField, StrictSerializer, StrictUuidField

MAX_ATTACHMENTS = 20


class PostBody(StrictSerializer):
    """`POST conversations/{id}/messages/`; the body's own rules are in `timeline.rules.bodies`."""

    client_id = StrictUuidField()
    body = StrictCharField(allow_blank=True)
    reply_to = StrictUuidField(required=False, allow_null=True)
    attachment_ids = serializers.ListField(child=StrictUuidField(), required=False, max_length=MAX_ATTACHMENTS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse attachments: there are no files yet that could be named."""
        if attrs.get("attachment_ids"):
            raise Invalid.field("attachment_ids", "not_found", "Name files of this conversation.")
        return attrs


class EditBody(StrictSerializer):
    """`PATCH messages/{id}/`."""

    body = StrictCharField(allow_blank=True)


class ReadBody(StrictSerializer):
    """`POST conversations/{id}/read/`."""

    seq = StrictIntegerField(min_value=0)
