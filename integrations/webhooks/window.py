"""The time in which the platform's address takes an introduction: an operator opens it, the first one closes it."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import redis
import structlog
from django.conf import settings
from django.utils import timezone

log = structlog.get_logger(__name__)

LONGEST: Final = timedelta(hours=1)
_TIMEOUT_SECONDS: Final = 2.0


def open_window(connector_key: str, *, lasting: timedelta) -> datetime:
    """Take one introduction within this time, an hour at most; returns when the window closes by itself.

    Kept in Valkey: whatever is lost there closes it. Raises: ValueError (not a time), redis.RedisError.
    """
    if not timedelta(0) < lasting <= LONGEST:
        raise ValueError("A window is open for an hour at most.")
    until = timezone.now() + lasting
    _store(settings.REDIS_URL).set(_key(connector_key), until.isoformat(), px=lasting)
    log.warning("platform_webhook.awaited", connector=connector_key, until=until.isoformat())
    return until


def open_until(connector_key: str) -> datetime | None:
    """When the window closes; None when it is not open. Raises: redis.RedisError."""
    return _moment(_store(settings.REDIS_URL).get(_key(connector_key)))


def pass_window(connector_key: str) -> bool:
    """Go through the window, which closes it; False when it is not open. One of many at once gets through.

    Raises: redis.RedisError.
    """
    until = _moment(_store(settings.REDIS_URL).getdel(_key(connector_key)))
    return until is not None and timezone.now() < until


def _key(connector_key: str) -> str:
    return f"nts:platform-webhook:awaited:{connector_key}"


def _moment(stored: object) -> datetime | None:
    return datetime.fromisoformat(stored.decode()) if isinstance(stored, bytes) else None


@lru_cache(maxsize=4)
def _store(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS)
