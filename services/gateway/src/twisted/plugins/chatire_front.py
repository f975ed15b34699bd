"""Tells Twisted, and so `daphne -e`, of the endpoint `chatire:…` (gateway_service.front.endpoint)."""

from __future__ import annotations

from gateway_service.front.endpoint import FrontParser

parser = FrontParser()
