#!/usr/bin/env python
"""Command line of the messages service: migrations, the relay (`relay_outbox`)."""

import os
import sys

from django.core.management import execute_from_command_line

from chatire_shared.serving.lasting import end_calmly, load_calmly

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "messages_service.settings")
    load_calmly()
    try:
        execute_from_command_line(sys.argv)
    finally:
        end_calmly()
