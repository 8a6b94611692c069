"""Django's MAILERS from one address such as ``smtp+tls://user:password@mail.example:587``."""

from typing import Any
from urllib.parse import unquote, urlsplit

BACKENDS = "django.core.mail.backends"


def mailers_for(url: str) -> dict[str, dict[str, Any]]:
    """``console:`` prints messages, ``smtp://``, ``smtp+tls://`` (STARTTLS) and ``smtps://`` send them."""
    parts = urlsplit(url)
    if parts.scheme == "console":
        return {"default": {"BACKEND": f"{BACKENDS}.console.EmailBackend"}}
    implicit_tls = parts.scheme == "smtps"
    options = {
        "host": parts.hostname or "localhost",
        "port": parts.port or (465 if implicit_tls else 587 if parts.scheme == "smtp+tls" else 25),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": parts.scheme == "smtp+tls",
        "use_ssl": implicit_tls,
        "timeout": 10,
    }
    return {"default": {"BACKEND": f"{BACKENDS}.smtp.EmailBackend", "OPTIONS": options}}
