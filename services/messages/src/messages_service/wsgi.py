"""The application that gunicorn serves."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "messages_service.settings")

from chatire_shared.http.chunked import ReadChunked

application = ReadChunked(get_wsgi_application())
