"""Paths of messages and events."""

from __future__ import annotations

from django.urls import path

from messages_service.timeline.api import events, messages

urlpatterns = [
    path("api/conversations/<uuid:conversation_id>/messages/", messages.MessagesView.as_view()),
    path("api/conversations/<uuid:conversation_id>/events/", events.EventsView.as_view()),
    path("api/conversations/<uuid:conversation_id>/read/", events.ReadView.as_view()),
    path("api/messages/<uuid:message_id>/", messages.MessageView.as_view()),
    path("api/messages/<uuid:message_id>/edits/", messages.EditsView.as_view()),
]
