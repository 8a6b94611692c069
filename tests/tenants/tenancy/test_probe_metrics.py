"""What a scraper sees of the last isolation probe: when, how old, with how many leaks."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.models import Evidence
from tenants.tenancy.probes.metrics import collector

pytestmark = pytest.mark.usefixtures("database")
NAME = "nts_isolation_probe"


def shown() -> dict[str, float]:
    """What a new process would show."""
    return {sample.name: sample.value for family in collector().collect() for sample in family.samples}


def note(*, hours: float, leaks: int = 0) -> Evidence:
    at = timezone.now() - timedelta(hours=hours)
    return Evidence.objects.create(
        kind=Evidence.Kind.ISOLATION_PROBE, is_passed=not leaks, summary="", started_at=at, finished_at=at,
        report={"leaks": [{"probe": "a union"}] * leaks},
    )  # fmt: skip


def test_before_the_first_run_its_time_is_0_and_there_is_no_age() -> None:
    assert shown() == {
        f"{NAME}_last_run_timestamp_seconds": 0,
        f"{NAME}_last_passed_timestamp_seconds": 0,
        f"{NAME}_leaks": 0,
    }


def test_the_last_run_is_shown_with_its_age_and_its_leaks() -> None:
    passed, failed = note(hours=30), note(hours=2, leaks=3)
    found = shown()
    assert found[f"{NAME}_last_passed_timestamp_seconds"] == pytest.approx(passed.finished_at.timestamp())
    assert found[f"{NAME}_last_run_timestamp_seconds"] == pytest.approx(failed.finished_at.timestamp())
    assert found[f"{NAME}_age_seconds"] == pytest.approx(7200, abs=60)
    assert found[f"{NAME}_leaks"] == 3
