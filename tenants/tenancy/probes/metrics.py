"""What the last isolation probe shows to Prometheus, read from the control plane."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily

from tenants.foundation.asked_collector import AskedCollector
from tenants.models import Evidence


@dataclass(frozen=True, slots=True)
class LastProbe:
    """When the last run ended and when one last passed (None: never), and the leaks the last one found."""

    ended_at: datetime | None
    passed_at: datetime | None
    leaks: int


def last_probe() -> LastProbe:
    """The last run that was kept as evidence."""
    runs = Evidence.objects.filter(kind=Evidence.Kind.ISOLATION_PROBE).order_by("-finished_at")
    last = runs.first()
    passed_at = runs.filter(is_passed=True).values_list("finished_at", flat=True).first()
    if last is None:
        return LastProbe(None, None, 0)
    return LastProbe(last.finished_at, passed_at, len(last.report.get("leaks", [])))


def families(probe: LastProbe) -> Iterator[GaugeMetricFamily]:
    """The series of a run; a time that never was is 0, and its age is left out."""
    for name, text, moment in (
        ("last_run", "When an isolation probe last ended.", probe.ended_at),
        ("last_passed", "When an isolation probe last passed.", probe.passed_at),
    ):
        yield GaugeMetricFamily(
            f"nts_isolation_probe_{name}_timestamp_seconds", text, value=moment.timestamp() if moment else 0.0
        )
    yield GaugeMetricFamily(
        "nts_isolation_probe_leaks", "Leaks the last isolation probe found.", value=probe.leaks
    )
    if probe.ended_at is not None:
        yield GaugeMetricFamily(
            "nts_isolation_probe_age_seconds", "How long ago the last isolation probe ended.",
            value=(timezone.now() - probe.ended_at).total_seconds(),
        )  # fmt: skip


def collector() -> AskedCollector[LastProbe]:
    """The series, asked for at a scrape."""
    return AskedCollector("isolation_probe", last_probe, families)
