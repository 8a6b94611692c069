"""What a browser calls itself, in words for people."""

import re
from typing import Final

# In this order: most browsers also name those they descend from.
_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    (re.compile(r"iPhone"), "iPhone"),
    (re.compile(r"iPad"), "iPad"),
    (re.compile(r"Android"), "Android"),
    (re.compile(r"Windows"), "Windows"),
    (re.compile(r"CrOS"), "ChromeOS"),
    (re.compile(r"Macintosh|Mac OS X"), "macOS"),
    (re.compile(r"Linux"), "Linux"),
)
_HANDHELD: Final = frozenset({"iPhone", "Android"})


def device_of(user_agent: str) -> str:
    """Return e.g. "Firefox on Windows"; "" when nothing of it is known."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for pattern, name in _SYSTEMS if pattern.search(user_agent)), "")
    return f"{browser} on {system}" if browser and system else browser or system


def is_handheld(user_agent: str) -> bool:
    """Say whether it is a phone, by its own account."""
    return any(name in _HANDHELD and pattern.search(user_agent) for pattern, name in _SYSTEMS)
