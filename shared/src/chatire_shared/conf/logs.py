"""JSON lines on stderr: one object per record, UTC, with the request's id and never a token, password or message body."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from chatire_shared.conf import env
from chatire_shared.http.request_ids import current_request_id

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRETS = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)")


class JsonFormatter(logging.Formatter):
    """One JSON object a line; control characters are escaped by JSON itself, so a log line can't be forged."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := current_request_id():
            entry["request_id"] = request_id
        entry.update({key: value for key, value in vars(record).items() if _is_extra(key, value)})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return _SECRETS.sub("[secret]", json.dumps(entry, default=str))


def _is_extra(key: str, value: object) -> bool:
    return key not in _STANDARD and isinstance(value, str | int | float | bool | list | dict | type(None))


def logging_config(service: str) -> dict[str, Any]:
    """Django's LOGGING for `service`; `CHATIRE_LOG_LEVEL` sets the level."""
    level = env.text("CHATIRE_LOG_LEVEL", "INFO")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "chatire_shared.conf.logs.JsonFormatter", "service": service}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.request": {"level": "CRITICAL"},
            "django.server": {"level": "WARNING"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
        },
    }
