#!/usr/bin/env python3
"""Django's command line for the auth service; `./chatire manage auth …` runs it with the stack's settings."""

import os
import sys

from django.core.management import execute_from_command_line

from chatire_shared.serving.lasting import end_calmly, load_calmly

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auth_service.settings")
    load_calmly()
    try:
        execute_from_command_line(sys.argv)
    finally:
        end_calmly()
