"""The application that gunicorn serves."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "messages_service.settings")

from chatire_shared.http.chunked import ReadChunked

django_application = ReadChunked(get_wsgi_application())

from messages_service.internal.door import Door  # noqa: E402 (Django must be set up before models are imported)
from messages_service.timeline.api.door import PostDoor  # noqa: E402

application = Door(PostDoor(django_application))
