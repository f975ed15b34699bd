"""python-socketio with the Redis manager, under uvicorn."""

import os

import socketio

manager = socketio.AsyncRedisManager(os.environ["REDIS_URL"])
server = socketio.AsyncServer(async_mode="asgi", client_manager=manager, transports=["websocket"])
application = socketio.ASGIApp(server)


@server.event
async def connect(sid, environ):
    """Enter the room that the query names."""
    query = dict(pair.split("=", 1) for pair in environ["QUERY_STRING"].split("&"))
    await server.enter_room(sid, query["room"])
