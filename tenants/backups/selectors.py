"""How the backups stand: for the operators' page, the metrics and the deployment's checks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from tenants.backups.repository import repository_bytes
from tenants.backups.servers import are_backups_on
from tenants.models import Backup, Evidence

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
    last_drill: Evidence | None
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
        last_drill=drills.order_by("-started_at").first(),
        last_failure=failed.first(),
        failures_last_day=failed.filter(started_at__gt=timezone.now() - timedelta(days=1)).count(),
        kept=len(kept),
        kept_bytes=sum(kept),
        keep_days=settings.BACKUP_KEEP_DAYS,
    )  # fmt: skip


def known_backups(limit: int = 50) -> list[Backup]:
    """The latest backups, newest first, failed ones included."""
    return list(Backup.objects.select_related("based_on").order_by("-started_at")[:limit])


def repository_size() -> int | None:
    """The size of the whole repository with the write-ahead log, in bytes; None where it cannot be reached."""
    try:
        return repository_bytes() if are_backups_on() else None
    except OSError:
        return None
