#!/usr/bin/env python3
"""Django's commands for the gateway: `check` is the useful one, since there is no database."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_service.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
