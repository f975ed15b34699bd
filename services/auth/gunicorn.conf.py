"""How gunicorn runs the auth service; `--bind` and `--workers` come from the command line (docs/internal.md)."""

from pathlib import Path

from chatire_shared.conf.logs import logging_config
from chatire_shared.serving import loading
from chatire_shared.serving.lasting import load_calmly

load_calmly()
worker_class = "chatire_shared.serving.worker.Worker"
preload_app = True
on_starting = loading.on_starting
workers = 2
threads = 4

# Longer than Caddy keeps an idle upstream connection (2 minutes): the side that picks the connection must also be
# the side that ends it, or a request meets a closing socket.
keepalive = 130
timeout = 30
graceful_timeout = 10

limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

accesslog = None
# gunicorn sets up its own loggers before ours; named here, they write JSON lines as everything else.
_ours = {"handlers": ["stderr"], "propagate": False, "level": "INFO"}
logconfig_dict = logging_config("auth")
# A dictionary also turns the access log on, whatever `accesslog` says; its level turns it off again.
logconfig_dict["loggers"] |= {"gunicorn.error": _ours, "gunicorn.access": _ours | {"level": "CRITICAL"}}
# It would be one file in the home folder, fought over by all services.
control_socket_disable = True
# A heartbeat file on a disk can stall a worker until it is killed; memory can't.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
