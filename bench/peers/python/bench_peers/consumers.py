"""The consumer of the Channels tutorial, part 3; with DURABLE=statement it stores a message before it sends it on."""

import itertools
import json
import os
import time

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from bench_peers.models import Message

DURABLE = os.environ.get("DURABLE", "none") != "none"
_numbers = itertools.count(time.time_ns())


class ChatConsumer(AsyncWebsocketConsumer):
    """One socket in one room."""

    async def connect(self):
        """Join the room's group."""
        self.room_name = self.scope["url_route"]["kwargs"]["room_name"]
        self.room_group_name = f"chat_{self.room_name}"
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, close_code):
        """Leave it."""
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    async def receive(self, text_data):
        """Store what was said, tell the sender, tell the room."""
        said = json.loads(text_data)
        message = {"room": self.room_name, "seq": next(_numbers), "body": said["body"]}
        if DURABLE:
            stored = await self.store(message)
            message["seq"] = stored.id
        await self.send(text_data=json.dumps({"type": "ack", "id": said["id"]}))
        await self.channel_layer.group_send(self.room_group_name, {"type": "chat.message", "message": message})

    @database_sync_to_async
    def store(self, message):
        """Insert it through the ORM."""
        return Message.objects.create(**message)

    async def chat_message(self, event):
        """Send what the room was told to this socket."""
        await self.send(text_data=json.dumps({"type": "event", **event["message"]}))
