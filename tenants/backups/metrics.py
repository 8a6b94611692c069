"""What the backups show to Prometheus, read from the control plane: right in every process, and after a restart."""

import time
from collections.abc import Iterator
from datetime import datetime

import structlog
from django.db import DatabaseError, InterfaceError
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tenants.backups.selectors import BackupStatus, backup_status
from tenants.foundation import health

log = structlog.get_logger(__name__)
KEPT_SECONDS = 30.0


class BackupCollector(Collector):
    """Asks at a scrape, at most every half minute; a database that is away leaves the series out."""

    def __init__(self) -> None:
        self._status: BackupStatus | None = None
        self._asked_at = float("-inf")

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is asked for when the collector is registered: the databases may not be there yet."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The series of now."""
        if time.monotonic() - self._asked_at > KEPT_SECONDS:
            self._asked_at = time.monotonic()
            try:
                self._status = backup_status()
            except (DatabaseError, InterfaceError) as error:
                log.warning("backup_metrics.unreadable", error=str(error))
                self._status = None
        if self._status is not None:
            yield from families(self._status)


def families(status: BackupStatus) -> Iterator[GaugeMetricFamily]:
    """The series of a status; what never happened is 0, so that an alert on its age fires."""
    if not status.is_on:
        return
    for name, text, moment in (
        ("last_success", "When a backup was last complete.", status.last_backup_at),
        ("last_verified", "When a backup was last verified.", status.last_verified_at),
        ("last_proved_restore", "When a restore was last proved by a drill.", status.last_proved_restore_at),
    ):
        yield GaugeMetricFamily(f"nts_backup_{name}_timestamp_seconds", text, value=_seconds(moment))
    yield GaugeMetricFamily(
        "nts_backup_failures_last_day", "Backups that failed within a day.", value=status.failures_last_day
    )
    yield GaugeMetricFamily("nts_backup_kept_bytes", "Size of the backups kept.", value=status.kept_bytes)


def register() -> None:
    """Show them at ``/metrics``, whatever registry is behind it."""
    collector = BackupCollector()
    REGISTRY.register(collector)
    health.extra_collectors.append(collector)


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
