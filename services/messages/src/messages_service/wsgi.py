"""WSGI entry point of the messages service."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "messages_service.settings")

application = get_wsgi_application()
