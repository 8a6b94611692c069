"""How the backups stand: for the operators' page, the metrics and the deployment's checks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from tenants.backups.repository import repository_bytes
from tenants.backups.servers import are_backups_on
from tenants.models import Backup, Evidence, Operation, Tenant

# A nightly drill that did not prove anything for longer than this is an alarm.
OVERDUE: Final = timedelta(hours=26)
DONE: Final = (Backup.State.COMPLETE, Backup.State.VERIFIED)


@dataclass(frozen=True, slots=True)
class BackupStatus:
    """When something last went well, and what went wrong since; sizes in bytes."""

    is_on: bool
    last_backup_at: datetime | None
    last_full_at: datetime | None
    last_verified_at: datetime | None
    last_proved_restore_at: datetime | None
    # The last one that has ended, and since when another is under way.
    last_drill: Evidence | None
    drill_began_at: datetime | None
    last_failure: Backup | None
    failures_last_day: int
    kept: int
    kept_bytes: int
    keep_days: int

    @property
    def is_proof_overdue(self) -> bool:
        """Whether no restore was proved lately, though backups are on."""
        proved = self.last_proved_restore_at
        return self.is_on and (proved is None or timezone.now() - proved > OVERDUE)

    @property
    def proved_age(self) -> timedelta | None:
        """How long ago a restore was last proved."""
        proved = self.last_proved_restore_at
        return timezone.now() - proved if proved else None


def backup_status() -> BackupStatus:
    """How the backups stand, from the control plane alone. Whoever shows it asks for permission first."""
    done = Backup.objects.filter(state__in=DONE)
    drills = Evidence.objects.filter(kind=Evidence.Kind.RESTORE_DRILL)
    failed = Backup.objects.filter(state=Backup.State.FAILED).order_by("-started_at")
    kept = list(done.values_list("bytes", flat=True))
    return BackupStatus(
        is_on=are_backups_on(),
        last_backup_at=(done.order_by("-finished_at").values_list("finished_at", flat=True).first()),
        last_full_at=(
            done.filter(kind=Backup.Kind.FULL).order_by("-finished_at").values_list("finished_at", flat=True).first()
        ),
        last_verified_at=(
            Backup.objects.filter(verified_at__isnull=False).order_by("-verified_at")
            .values_list("verified_at", flat=True).first()
        ),
        last_proved_restore_at=(
            drills.filter(is_passed=True).order_by("-finished_at").values_list("finished_at", flat=True).first()
        ),
        last_drill=drills.ended().order_by("-started_at").first(),
        drill_began_at=(
            drills.filter(Evidence.under_way()).order_by("-started_at").values_list("started_at", flat=True).first()
        ),
        last_failure=failed.first(),
        failures_last_day=failed.filter(started_at__gt=timezone.now() - timedelta(days=1)).count(),
        kept=len(kept),
        kept_bytes=sum(kept),
        keep_days=settings.BACKUP_KEEP_DAYS,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Protection:
    """What the backups can do for one company: the moments it can be brought back to, and what proves it.

    ``earliest`` is None while there is no backup of its server; ``proved_at`` is of the last drill that passed,
    ``own_proved_at`` of the last one that compared this company's own rows.
    """

    is_on: bool
    earliest: datetime | None
    latest: datetime | None
    last_backup_at: datetime | None
    proved_at: datetime | None
    own_proved_at: datetime | None


def protection_of(tenant: Tenant) -> Protection:
    """What the backups hold of a company, from the control plane alone. Whoever shows it asks for permission first.

    A restore closes the segment of the log that is being written and waits for it, so the present can be reached, too.
    """
    backups = Backup.objects.filter(state__in=DONE, finished_at__isnull=False, cells__contains=[tenant.cell])
    oldest = backups.order_by("finished_at").values_list("finished_at", flat=True).first()
    is_on = are_backups_on()
    drills = Evidence.objects.filter(
        kind=Evidence.Kind.RESTORE_DRILL, is_passed=True, started_at__gt=tenant.created_at
    ).order_by("-finished_at").values_list("finished_at", flat=True)  # fmt: skip
    return Protection(
        is_on=is_on,
        earliest=_full_second(max(oldest, tenant.created_at)) if is_on and oldest else None,
        latest=timezone.now() if is_on and oldest else None,
        last_backup_at=(
            backups.filter(started_at__gt=_there_since(tenant)).order_by("-finished_at")
            .values_list("finished_at", flat=True).first()
        ),
        proved_at=drills.first(),
        own_proved_at=drills.filter(report__servers__contains=[{"company": str(tenant.pk)}]).first(),
    )  # fmt: skip


def _there_since(tenant: Tenant) -> datetime:
    """Since when the company's rows are in its cell: a backup that was begun before may lack them."""
    moved = Operation.objects.filter(
        kind=Operation.Kind.MOVE, tenant_id=tenant.pk, state=Operation.State.SUCCEEDED, finished_at__isnull=False
    ).order_by("-finished_at").values_list("finished_at", flat=True).first()  # fmt: skip
    return moved or tenant.created_at


def _full_second(moment: datetime) -> datetime:
    """The first moment from this one on that can be written without a fraction."""
    full = moment.replace(microsecond=0)
    return full if full == moment else full + timedelta(seconds=1)


def known_backups(limit: int = 50) -> list[Backup]:
    """The latest backups, newest first, failed ones included."""
    return list(Backup.objects.select_related("based_on").order_by("-started_at")[:limit])


def repository_size() -> int | None:
    """The size of the whole repository with the write-ahead log, in bytes; None where it cannot be reached."""
    try:
        return repository_bytes() if are_backups_on() else None
    except OSError:
        return None
