"""The application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auth_service.settings")

from chatire_shared.http.chunked import ReadChunked

django_application = ReadChunked(get_wsgi_application())

from auth_service.accounts.api.feed_door import FeedDoor  # noqa: E402 (Django must be set up before models are imported)

application = FeedDoor(django_application)
