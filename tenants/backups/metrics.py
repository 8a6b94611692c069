"""What the backups show to Prometheus, read from the control plane: right in every process, and after a restart."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily

from tenants.backups.selectors import BackupStatus, backup_status
from tenants.foundation.asked_collector import AskedCollector


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


def collector() -> AskedCollector[BackupStatus]:
    """The series, asked for at a scrape."""
    return AskedCollector("backups", backup_status, families)


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
