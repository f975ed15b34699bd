"""Gunicorn's settings for the messages service. A WSGI server: Django under ASGI costs three times the CPU per post."""

from pathlib import Path
from typing import Any

from chatire_shared.serving import loading
from chatire_shared.serving.lasting import load_calmly

load_calmly()
worker_class = "chatire_shared.serving.worker.Worker"
preload_app = True
on_starting = loading.on_starting
threads = 4
# Longer than the API gateway's and our own services' keep-alive, so that they close first and no request meets a closed socket.
keepalive = 75
timeout = 30
graceful_timeout = 20
# A worker's heartbeat file must not sit on a disk that may stall; where there is no such folder, gunicorn chooses.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
accesslog = None
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Begin to follow auth's changes in this worker; no thread would survive the fork."""
    from chatire_shared.crash_points import started
    from messages_service.following import start_following

    start_following()
    started("messages")


def worker_exit(server: Any, worker: Any) -> None:
    """End the follower's threads before the interpreter goes away under them."""
    if not worker.booted:
        return  # Its log ends with the reason, which an import of what could not be loaded would only bury.
    from messages_service.following import stop_following

    stop_following()
