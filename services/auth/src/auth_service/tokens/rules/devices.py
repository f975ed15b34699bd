"""A short name for the client behind a session, from its User-Agent."""

from __future__ import annotations

MAX_CHARS = 80

# Order matters: every Edge says Chrome, and every Chrome says Safari.
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device_name(user_agent: str) -> str:
    """`Firefox on Linux` for a browser, else what the client calls itself, printable and at most 80 characters."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if browser and system:
        return f"{browser} on {system}"
    printable = "".join(char for char in user_agent if char.isprintable()).strip()
    return printable[:MAX_CHARS] or "Unknown device"
