"""The platform's page: cells, nightly checks with their dates, and the dead letters with a way to retry."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tenants.dispatch import enqueue
from tenants.dispatch.leases import cell_transaction
from tenants.models import Evidence, WorkItem
from tenants.models.evidence import UNDER_WAY
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy import cells as cells_of_the_tenancy
from tests.fakes.dispatch import run_due_work

type TextOf = Callable[..., str]


def evidence(*, hours: float, is_passed: bool = True, kind: str = "restore_drill") -> None:
    at = timezone.now() - timedelta(hours=hours)
    Evidence.objects.create(
        kind=kind, is_passed=is_passed, summary=f"{hours} h ago", started_at=at, finished_at=at
    )


def row_of(text: str, name: str) -> str:
    return text.partition(f'<tr id="{name}"')[2].partition("</tr>")[0]


def test_every_cell_is_shown_with_its_load(text_of: TextOf) -> None:
    text = text_of("/platform/")
    for cell, region in (("cell_1", "local"), ("cell_2", "elsewhere")):
        row = row_of(text, f"cell-{cell}")
        assert region in row
        assert "Open" in row
        assert "MB" in row


def test_a_cell_that_does_not_answer_is_shown_with_what_it_said(
    text_of: TextOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = cells_of_the_tenancy._ask

    def half_dead(cell: str, query: str) -> object:
        return (None, "connection refused") if cell == "cell_2" else ask(cell, query)

    monkeypatch.setattr(cells_of_the_tenancy, "_ask", half_dead)
    row = row_of(text_of("/platform/"), "cell-cell_2")
    assert "Does not answer" in row
    assert "connection refused" in row


@pytest.mark.parametrize(
    ("hours", "is_passed", "word", "is_red"),
    [
        (1, True, "Passed", False),
        (25, True, "Passed", False),
        (27, True, "Late", True),
        (1, False, "Failed", True),
    ],
)
def test_a_check_is_red_when_it_failed_or_is_older_than_26_hours(
    text_of: TextOf, hours: float, is_passed: bool, word: str, is_red: bool
) -> None:
    evidence(hours=hours, is_passed=is_passed)
    row = row_of(text_of("/platform/"), "check-restore_drill")
    assert word in row
    assert ("tone-bad" in row) is is_red


def test_a_drill_that_is_under_way_has_not_failed(
    text_of: TextOf, settings: Settings, tmp_path: Path
) -> None:
    settings.BACKUP_DIR = tmp_path
    evidence(hours=20)
    begun = Evidence.objects.create(
        kind="restore_drill", is_passed=False, summary="Under way, or cut short.", report=UNDER_WAY,
        started_at=timezone.now(),
    )  # fmt: skip
    text = text_of("/platform/")
    assert "Passed" in row_of(text, "check-restore_drill")
    backups = text.partition('id="h-backups"')[2]
    assert "Restore proved" in backups.partition("</header>")[0]
    assert "A drill is under way" in backups
    mark = f"evidence-{begun.pk}"
    assert "Under way</" in row_of(text_of("/platform/evidence/"), mark)
    assert mark not in text_of("/platform/evidence/?outcome=failed")

    Evidence.objects.filter(pk=begun.pk).update(started_at=timezone.now() - timedelta(hours=13))
    text = text_of("/platform/")
    assert "Failed" in row_of(text, "check-restore_drill"), "it was cut short"
    assert "A drill is under way" not in text
    assert mark in text_of("/platform/evidence/?outcome=failed")


def test_a_failure_does_not_hide_when_it_last_passed(text_of: TextOf) -> None:
    evidence(hours=50)
    evidence(hours=2, is_passed=False)
    row = row_of(text_of("/platform/"), "check-restore_drill")
    assert "Failed" in row
    assert "2 d ago" in row


def test_a_check_that_never_ran_says_so(text_of: TextOf) -> None:
    assert "Never" in row_of(text_of("/platform/"), "check-isolation_probe")


@pytest.fixture
def letter(other_tenant: TenantRef, platform_host: str) -> WorkItem:
    """A job of a company that was given up."""
    with tenant_scope(other_tenant), atomic():
        enqueue("test.unheard_of")
    run_due_work(other_tenant, kind="test.unheard_of")
    with cell_transaction(other_tenant.cell):
        return WorkItem.objects.get(kind="test.unheard_of")


def act_on(letter: WorkItem, action: str) -> str:
    return f"/platform/work/cell_1/{letter.pk}/{action}/"


def test_what_was_given_up_is_shown_with_its_reason(text_of: TextOf, letter: WorkItem) -> None:
    row = row_of(text_of("/platform/work/"), f"letter-{letter.pk}")
    for word in ("test.unheard_of", "south", "No installed package has a job"):
        assert word in row


def test_it_is_run_again_or_removed(operator: Client, text_of: TextOf, letter: WorkItem) -> None:
    assert operator.post(act_on(letter, "retry")).status_code == 302
    with cell_transaction("cell_1"):
        letter.refresh_from_db()
    assert (letter.state, letter.attempts) == ("ready", 0)
    assert operator.post(act_on(letter, "retry")).status_code == 404
    with cell_transaction("cell_1"):
        WorkItem.objects.filter(pk=letter.pk).update(state="dead", finished_at=timezone.now())

    assert operator.post(act_on(letter, "discard")).status_code == 302
    assert str(letter.pk) not in text_of("/platform/work/")


def test_an_onlooker_sees_it_and_touches_nothing(onlooker: Client, letter: WorkItem) -> None:
    page = onlooker.get("/platform/work/").content
    assert b"test.unheard_of" in page
    assert b"Run again" not in page
    for action in ("retry", "discard"):
        assert onlooker.post(act_on(letter, action)).status_code == 403


def test_a_cell_nobody_knows_has_no_letters(operator: Client, letter: WorkItem) -> None:
    assert operator.post(f"/platform/work/default/{letter.pk}/retry/").status_code == 404


def test_the_page_says_that_backups_are_off(text_of: TextOf, settings: Settings) -> None:
    settings.BACKUP_DIR = None
    assert "BACKUP_DIR is not set" in text_of("/platform/")


@pytest.mark.parametrize(
    ("hours", "has_failed_since", "word"),
    [
        (None, False, "Restore not proved"),
        (3, False, "Restore proved"),
        (3, True, "Last drill failed"),
        (27, True, "Restore not proved"),
    ],
)
def test_the_page_tells_when_a_restore_was_last_proved(
    text_of: TextOf,
    settings: Settings,
    tmp_path: Path,
    hours: float | None,
    has_failed_since: bool,
    word: str,
) -> None:
    settings.BACKUP_DIR = tmp_path
    if hours is not None:
        evidence(hours=hours)
    if has_failed_since:
        evidence(hours=1, is_passed=False)
    text = text_of("/platform/").partition('id="h-backups"')[2]
    assert word in text.partition("</header>")[0]
    assert ("Never" in text.partition("</tr>")[0]) == (hours is None)
