"""How far each tenant has written: its last commit's place in its cell's write-ahead log, kept in Valkey.

A replica that has replayed up to there shows the tenant everything it wrote.
"""

import threading
import time
from collections.abc import Iterable
from functools import cache
from uuid import UUID

import redis
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)
TIMEOUT_SECONDS = 0.25
QUIET_SECONDS = 5.0


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)


class Positions:
    """Tenant → place in the log, as a number of bytes. What could not be written down is kept and tried again."""

    def __init__(self) -> None:
        self._pending: dict[tuple[str, UUID], int] = {}
        self._quiet_until = 0.0
        self._lock = threading.Lock()

    def note(self, cell: str, tenants: Iterable[UUID], position: int) -> None:
        """Remember that these tenants have written up to ``position``; a place only ever moves forward."""
        with self._lock:
            for tenant in tenants:
                key = (cell, tenant)
                self._pending[key] = max(position, self._pending.get(key, 0))
            pending = dict(self._pending)
        if time.monotonic() < self._quiet_until:
            return
        try:
            with _client(settings.REDIS_URL).pipeline(transaction=False) as pipe:
                for (where, tenant), place in pending.items():
                    # A sorted set keeps the greatest: two commits may be written down in the wrong order.
                    pipe.zadd(_key(where), {str(tenant): place}, gt=True)
                pipe.execute()
        except redis.RedisError as error:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            log.warning("positions.not_noted", cell=cell, error=str(error))
            return
        with self._lock:
            for key, place in pending.items():
                if self._pending.get(key) == place:
                    del self._pending[key]

    def forget(self, cell: str, tenants: Iterable[UUID]) -> None:
        """Know nothing of these tenants any more: their next report looks at everything there is."""
        try:
            _client(settings.REDIS_URL).zrem(_key(cell), *map(str, tenants))
        except redis.RedisError as error:
            log.warning("positions.not_forgotten", cell=cell, error=str(error))

    def of(self, cell: str, tenant: UUID) -> int | None:
        """How far the tenant has written; None when nothing is known, for example after Valkey was emptied.

        Raises: redis.RedisError when Valkey does not answer.
        """
        known = _client(settings.REDIS_URL).zscore(_key(cell), str(tenant))
        pending = self._pending.get((cell, tenant))
        if known is None and pending is None:
            return None
        return max(int(known or 0), pending or 0)


def _key(cell: str) -> str:
    return f"nts:positions:{settings.DATABASES[cell]['NAME']}"


positions = Positions()
