"""The platform as its operators see it: the cells, the nightly checks and when they last passed, the dead letters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access import Actor
from tenants.dispatch.selectors import dead_letters
from tenants.models import Evidence, Tenant, WorkItem
from tenants.permissions import SEE_COMPANIES, require_operator
from tenants.tenancy.cells import CellState, cell_states

# The checks run every night; one that is two hours late is worth a look.
LATE_AFTER: Final = timedelta(hours=26)
Kind = Evidence.Kind
CHECKS: Final[Mapping[str, Promise]] = {
    Kind.ISOLATION_PROBE: _("Isolation probe"),
    Kind.SCHEMA_AUDIT: _("Audit of the schemas"),
    Kind.BACKUP: _("Backup"),
    Kind.RESTORE_DRILL: _("Proved restore"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of check: its last run, when it last passed, and whether that is too long ago."""

    kind: str
    label: Promise
    last: Evidence | None
    passed_at: datetime | None
    is_late: bool

    @property
    def is_well(self) -> bool:
        """Whether it passed, and lately."""
        return self.last is not None and self.last.is_passed and not self.is_late


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that was given up, and the company it belongs to."""

    cell: str
    item: WorkItem
    company: str
    tenant_id: UUID


def standing_of_cells(*, actor: Actor | None) -> list[CellState]:
    """Every cell with its load. Raises: NotFound off the platform's host, Forbidden."""
    require_operator(actor, SEE_COMPANIES)
    return cell_states()


def checks(*, actor: Actor | None) -> list[Check]:
    """What proves that the platform is sound, newest run of each kind that has ended.

    Raises: NotFound off the platform's host, Forbidden.
    """
    require_operator(actor, SEE_COMPANIES)
    found = []
    for kind, label in CHECKS.items():
        runs = Evidence.objects.filter(kind=kind).ended().order_by("-finished_at")
        passed = runs.filter(is_passed=True).values_list("finished_at", flat=True).first()
        is_late = passed is None or passed < timezone.now() - LATE_AFTER
        found.append(Check(kind, label, runs.first(), passed, is_late))
    return found


def given_up_work(*, actor: Actor | None, most: int = 100) -> list[DeadLetter]:
    """The dead letters of every cell that answers, newest first.

    Raises: NotFound off the platform's host, Forbidden.
    """
    require_operator(actor, SEE_COMPANIES)
    letters: list[tuple[str, WorkItem]] = []
    for cell in settings.CELLS:
        try:
            letters += [(cell, item) for item in dead_letters(cell, most=most)]
        except (DatabaseError, InterfaceError):
            # The page of the cells says that it does not answer.
            continue
    letters.sort(key=lambda pair: (pair[1].finished_at is not None, pair[1].finished_at), reverse=True)
    ids = {item.tenant_id for _, item in letters}
    names = dict(Tenant.objects.filter(pk__in=ids).values_list("pk", "slug"))
    return [
        DeadLetter(cell, item, names.get(item.tenant_id, ""), item.tenant_id) for cell, item in letters[:most]
    ]
