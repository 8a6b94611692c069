"""Existing tenants follow the template: what the ledger lacks is applied, tenant by tenant, each in one transaction."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now

from tenants.foundation.errors import NotFound
from tenants.foundation.redaction import redact_text
from tenants.models import MigrationFailure, Tenant
from tenants.tenancy.migrating.canaries import choose_canaries
from tenants.tenancy.migrating.ledger import LEFT_TO_ITS_MOVE, pending_migrations, standings
from tenants.tenancy.migrating.one_tenant import MigrationFailed, Worker, backoff_seconds, schema_lock
from tenants.tenancy.migrating.turns import ATTEMPTS, Job, Outcome, Round
from tenants.tenancy.migrating.units import Library
from tenants.tenancy.template import Key, tenant_plan

__all__ = [
    "MigrationFailed",
    "MigrationReport",
    "migrate_tenant",
    "migrate_tenants",
    "pending_migrations",
    "schema_lock",
]
log = structlog.get_logger(__name__)
# A tenant taken in by the release before, while this one is rolled out, is found when the ledger is asked again.
ROUNDS = 3
LOOK_SECONDS = 0.5


@dataclass
class MigrationReport:
    """What a run did, by slug: who was up to date, was migrated, failed and why, and was left alone and why."""

    up_to_date: int = 0
    migrated: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    # Being moved just now: for the next run.
    deferred: list[str] = field(default_factory=list)
    # Not begun, because a canary or too many others had failed.
    held_back: list[str] = field(default_factory=list)
    # Cells that did not answer, and what they said: nothing is known of their companies.
    unreachable: dict[str, str] = field(default_factory=dict)
    canaries: list[str] = field(default_factory=list)
    retries: int = 0
    seconds: float = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether every company has this release's schema."""
        return not (self.failed or self.held_back or self.deferred or self.unreachable)

    @property
    def what_is_left(self) -> str:
        """Who has not, and why, for people; empty when all have."""
        lines = [f"{slug}: {error}" for slug, error in sorted(self.failed.items())]
        if self.held_back:
            lines.append(f"Not begun after these failures: {len(self.held_back)}.")
        if self.deferred:
            lines.append(f"Being moved, run it again: {', '.join(self.deferred)}.")
        lines += [f"The cell {cell} does not answer: {error}" for cell, error in self.unreachable.items()]
        return "\n".join(lines)


def migrate_tenants(
    *,
    cells: Sequence[str] | None = None,
    workers: int = 4,
    slugs: Sequence[str] | None = None,
    canaries: Sequence[str] | None = None,
    stop_after: int | None = None,
    patience_seconds: float = 0.0,
) -> MigrationReport:
    """Bring every tenant (of ``cells``, of ``slugs``) to the template's migrations, ``workers`` at once in each cell.

    The canaries go first, and when one of them fails nobody else is begun. Otherwise a failing tenant stops nobody,
    unless ``stop_after`` of them failed. It is tried again at the end of this run and in the next one. The ledger is
    written in the tenant's own transaction: a run that was killed goes on where it was, two at once do nothing twice.
    A move that is at its end is waited for, ``patience_seconds`` long. A cell that does not answer stops no other.

    Raises: NotFound when a tenant was named that does not exist.
    """
    began, plan, report = time.monotonic(), tenant_plan(), MigrationReport()
    seen: set[str] = set()
    rounds = 0
    while rounds < ROUNDS and not report.held_back:
        # One that was migrated and lacks it all the same has changed cells meanwhile.
        left = seen - set(report.migrated)
        jobs = [job for job in _jobs(cells, slugs, plan, report) if job.tenant.slug not in left]
        if jobs:
            rounds += 1
            seen |= {job.tenant.slug for job in jobs}
            _run(jobs, report, workers=workers, canaries=canaries, stop_after=stop_after)
        elif report.deferred and time.monotonic() - began < patience_seconds:
            time.sleep(LOOK_SECONDS)
        else:
            break
    report.seconds = round(time.monotonic() - began, 3)
    log.info(
        "tenants.migrated", migrated=len(report.migrated), failed=len(report.failed), up_to_date=report.up_to_date,
        held_back=len(report.held_back), unreachable=list(report.unreachable), seconds=report.seconds,
    )  # fmt: skip
    return report


def migrate_tenant(tenant: Tenant, keys: Sequence[Key] | None = None) -> int:
    """Bring one tenant up to date, whatever its state; how many migrations it got. A move calls this at its end.

    Raises: MigrationFailed, after a few tries where somebody held a lock.
    """
    if keys is None:
        keys = pending_migrations(tenant.cell).get(tenant.pk, [])
    worker = Worker(tenant.cell, Library(keys))
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return worker.migrate(tenant, keys)
            except MigrationFailed as error:
                if not error.is_passing or attempt == ATTEMPTS:
                    raise
                time.sleep(backoff_seconds(attempt))
    finally:
        worker.close()
    raise AssertionError("the last attempt returns or raises")


def _jobs(
    cells: Sequence[str] | None, slugs: Sequence[str] | None, plan: Sequence[Key], report: MigrationReport
) -> list[Job]:
    """Who lacks something; counts the others in ``report``."""
    chosen = list(cells or settings.CELLS)
    tenants = Tenant.objects.filter(cell__in=chosen).exclude(state=Tenant.State.DELETED)
    if slugs is not None:
        tenants = tenants.filter(slug__in=slugs)
        missing = set(slugs) - set(tenants.values_list("slug", flat=True))
        if missing:
            raise NotFound(f"There is no company {', '.join(sorted(missing))}.", code="tenants.unknown")
    found, report.unreachable = standings(chosen, plan)
    pending = {pk: keys for standing in found.values() for pk, keys in standing.pending.items()}
    behind = list(tenants.filter(pk__in=pending).order_by("pk")) if pending else []
    up_to_date = {pk for standing in found.values() for pk in standing.up_to_date}
    if slugs is not None:
        up_to_date &= set(tenants.values_list("pk", flat=True))
    report.up_to_date = len(up_to_date) - len(set(report.migrated))
    report.deferred = [tenant.slug for tenant in behind if tenant.state in LEFT_TO_ITS_MOVE]
    return [Job(tenant, pending[tenant.pk]) for tenant in behind if tenant.state not in LEFT_TO_ITS_MOVE]


def _run(
    jobs: list[Job],
    report: MigrationReport,
    *,
    workers: int,
    canaries: Sequence[str] | None,
    stop_after: int | None,
) -> None:
    library = Library({key for job in jobs for key in job.keys})
    first = choose_canaries(jobs, canaries)
    report.canaries += [job.tenant.slug for job in first]
    others = [job for job in jobs if job not in first]
    failed = _phase(first, library, report, workers=workers, stop_after=None)
    if failed:
        report.held_back = [job.tenant.slug for job in others]
        log.error("canary.failed", tenants=sorted(failed), held_back=len(others))
    else:
        _phase(others, library, report, workers=workers, stop_after=stop_after)
    _forget_failures(jobs, report)


def _phase(
    jobs: list[Job], library: Library, report: MigrationReport, *, workers: int, stop_after: int | None
) -> set[str]:
    """Migrate ``jobs``, at the end those that failed once more; returns who failed for good."""
    outcome = Round(jobs, library, workers=workers, stop_after=stop_after).run()
    _count(outcome, report)
    report.held_back += [job.tenant.slug for job in outcome.not_begun]
    if outcome.failed and not outcome.not_begun:
        again = [Job(job.tenant, job.keys) for job, _ in outcome.failed.values()]
        outcome = Round(again, library, workers=workers).run()
        _count(outcome, report)
    for slug, (job, error) in outcome.failed.items():
        report.failed[slug] = str(error)
        _remember_failure(job.tenant, error)
    return set(outcome.failed)


def _count(outcome: Outcome, report: MigrationReport) -> None:
    report.migrated += [tenant.slug for tenant in outcome.migrated if tenant.slug not in report.migrated]
    report.up_to_date += len(outcome.found_done)
    report.retries += outcome.retries


def _remember_failure(tenant: Tenant, error: MigrationFailed) -> None:
    said = {"migration": error.migration[:300], "error": redact_text(str(error)), "failed_at": Now()}
    known = MigrationFailure.objects.filter(tenant=tenant)
    if not known.update(runs=F("runs") + 1, **said):
        MigrationFailure.objects.create(tenant=tenant, **said)


def _forget_failures(jobs: list[Job], report: MigrationReport) -> None:
    """Remove what former runs wrote of tenants that are up to date now."""
    well = {job.tenant.slug for job in jobs} - report.failed.keys() - set(report.held_back)
    for failure in MigrationFailure.objects.select_related("tenant"):
        if failure.tenant.slug in well:
            failure.delete()
