"""The application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auth_service.settings")

from chatire_shared.http.chunked import ReadChunked

application = ReadChunked(get_wsgi_application())
