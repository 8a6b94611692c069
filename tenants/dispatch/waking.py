"""Wakes the dispatcher through Valkey; a lost wake-up costs at most one polling interval."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import redis
import structlog
from django.conf import settings
from django.db import connections, transaction

log = structlog.get_logger(__name__)
QUIET_SECONDS = 5.0  # after a failure nobody waits for Valkey again for this long


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=0.25, socket_connect_timeout=0.25)


def wake_key(cell: str) -> str:
    """The list whose entries wake the dispatchers of ``cell``; it never holds more than one."""
    return f"nts:dispatch:{settings.DATABASES[cell]['NAME']}:wake"


class Waker:
    """Pushes wake-ups, and leaves Valkey alone for a while after it failed."""

    def __init__(self) -> None:
        self._quiet_until = 0.0
        self._lock = threading.Lock()

    def wake(self, cell: str) -> None:
        """Wake one dispatcher of ``cell``, if Valkey answers at once."""
        if time.monotonic() < self._quiet_until:
            return
        try:
            with _client(settings.REDIS_URL).pipeline(transaction=False) as pipe:
                pipe.lpush(wake_key(cell), 1)
                pipe.ltrim(wake_key(cell), 0, 0)
                pipe.execute()
        except redis.RedisError as error:
            with self._lock:
                self._quiet_until = time.monotonic() + QUIET_SECONDS
            log.warning("dispatch.wake_failed", cell=cell, error=str(error))


waker = Waker()


@dataclass(frozen=True)
class WakeOnCommit:
    """The commit hook: one per transaction, however many rows it asks for."""

    cell: str

    def __call__(self) -> None:
        waker.wake(self.cell)


def wake_on_commit(cell: str) -> None:
    """Wake the dispatcher when the open transaction has been committed."""
    hook = WakeOnCommit(cell)
    if any(entry[1] == hook for entry in connections[cell].run_on_commit):
        return
    transaction.on_commit(hook, using=cell, robust=True)


class WakeListener:
    """What a dispatcher waits on: a connection of its own, made anew after it broke."""

    def __init__(self, cells: Sequence[str], *, longest_wait: float) -> None:
        self._keys, self._seconds = [wake_key(cell) for cell in cells], longest_wait
        self._client = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=longest_wait + 2.0,
            socket_connect_timeout=1.0,
            single_connection_client=True,
        )

    def wait(self) -> bool:
        """Wait until one of the cells is woken, but no longer than ``longest_wait``; returns whether it was.

        Raises: redis.RedisError when Valkey does not answer.
        """
        return self._client.brpop(self._keys, timeout=self._seconds) is not None

    def close(self) -> None:
        """Give the connection up."""
        self._client.close()
