"""Paths of conversations."""

from __future__ import annotations

from django.urls import path

from messages_service.conversations.api import conversations, members

_ONE = "api/conversations/<uuid:conversation_id>/"

urlpatterns = [
    path("api/conversations/", conversations.ConversationsView.as_view()),
    path(_ONE, conversations.ConversationView.as_view()),
    path(f"{_ONE}join/", conversations.JoinView.as_view()),
    path(f"{_ONE}members/", members.MembersView.as_view()),
    path(f"{_ONE}members/<uuid:user_id>/", members.MemberView.as_view()),
    path(f"{_ONE}invites/", members.InvitesView.as_view()),
    path("api/invites/<str:code>/accept/", members.AcceptInviteView.as_view()),
    path("api/channels/", conversations.ChannelsView.as_view()),
]
