"""Series that are asked for at a scrape: right in every process, and after a restart."""

import time
from collections.abc import Callable, Iterator
from typing import Final

import structlog
from django.db import DatabaseError, InterfaceError
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tenants.foundation import health

log = structlog.get_logger(__name__)
KEPT_SECONDS: Final = 30.0


class AskedCollector[T](Collector):
    """Asks at a scrape, at most every half minute; a database that is away leaves the series out."""

    def __init__(
        self, name: str, ask: Callable[[], T], families: Callable[[T], Iterator[GaugeMetricFamily]]
    ) -> None:
        """``name`` is what the log calls it, ``families`` the series of what ``ask`` answers."""
        self._name, self._ask, self._families = name, ask, families
        self._answer: T | None = None
        self._asked_at = float("-inf")

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is asked for when the collector is registered: the databases may not be there yet."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The series of now."""
        if time.monotonic() - self._asked_at > KEPT_SECONDS:
            self._asked_at = time.monotonic()
            try:
                self._answer = self._ask()
            except (DatabaseError, InterfaceError) as error:
                log.warning("metrics.unreadable", metrics=self._name, error=str(error))
                self._answer = None
        if self._answer is not None:
            yield from self._families(self._answer)

    def register(self) -> None:
        """Show the series at ``/metrics``, whatever registry is behind it."""
        REGISTRY.register(self)
        health.extra_collectors.append(self)
