"""The tutorial's ASGI application."""

import os

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench_peers.settings")
django.setup()

from bench_peers.consumers import ChatConsumer  # noqa: E402 (models need a set-up Django)

application = ProtocolTypeRouter(
    {"websocket": URLRouter([re_path(r"ws/chat/(?P<room_name>[\w.-]+)/$", ChatConsumer.as_asgi())])}
)
