"""Restoring one company to a moment, taking that back, and clearing away what restores have put aside."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from tenants.backups.errors import BackupsOff, NoBackup
from tenants.backups.repository import newest_before, stored_backups
from tenants.backups.selectors import DONE
from tenants.backups.servers import are_backups_on, server_of
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.lifecycle.operations import ask_for_run, carry_out, start_operation, tenant_called
from tenants.lifecycle.restoring.saga import KIND, TAKES_BACK
from tenants.lifecycle.restoring.swapping import Swap, remove_schema
from tenants.models import Backup, Operation, Tenant
from tenants.tenancy.databases import may_change_schemas
from tenants.tenancy.sizes import has_schema

log = structlog.get_logger(__name__)


def parse_moment(text: str) -> datetime:
    """A moment with its zone, as people write it: ``2026-11-22T14:00:00Z``.

    Raises: InvalidInput when it is none, lacks its zone, or has not come yet.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput(
            "This is not a moment.", fields={"to": ["Write it like 2026-11-22T14:00:00Z."]}
        ) from error
    if moment.tzinfo is None:
        raise InvalidInput(
            "The moment has no time zone.", fields={"to": ["End it with Z for UTC, or +02:00."]}
        )
    if moment > timezone.now():
        raise InvalidInput("That moment has not come yet.", fields={"to": ["Choose a moment in the past."]})
    return moment


def start_restore(
    *, slug: str, moment: datetime, asked_by: str, keeps_access: bool = True, cell: str | None = None
) -> Operation:
    """Write down that a company is to be brought back to a moment, and have the workers do it.

    ``cell``: where it lived then, if not where it lives now. ``keeps_access``: see ``restoring.carrying``. A restore
    to the same moment that is under way is returned as it is.

    Raises: NotFound, Conflict (its keys were destroyed; another operation is open), NoBackup, BackupsOff.
    """
    tenant = tenant_called(slug)
    if tenant.state == Tenant.State.DELETED:
        raise Conflict(
            "This company was deleted for good and its keys were destroyed: what it kept secret cannot be read by "
            "anybody, and its address may be another's. Nothing is restored.",
            code="restores.deleted",
        )
    _require_backup(cell or tenant.cell, moment)
    values = {"moment": moment.isoformat(), "keeps_access": keeps_access, "cell": cell or ""}
    return _start(tenant, values, asked_by)


def _require_backup(cell: str, moment: datetime) -> None:
    """See that there is one to begin with: in the repository, or where this process has none by what the control plane
    knows of it.

    Raises: BackupsOff, NoBackup.
    """
    if may_change_schemas():
        newest_before(stored_backups(server_of(cell).name, skips_unreadable=True), moment)
        return
    if not are_backups_on():
        raise BackupsOff
    if not Backup.objects.filter(state__in=DONE, cells__contains=[cell], finished_at__lte=moment).exists():
        raise NoBackup("There is no backup that was complete at that moment.")


def start_taking_back(*, slug: str, asked_by: str) -> Operation:
    """Write down that a company's latest restore is to be taken back: what it replaced becomes the company's again.

    Raises: NotFound, Conflict (there is no restore whose replaced rows are still kept; another operation is open).
    """
    tenant = tenant_called(slug)
    latest = restore_to_take_back(tenant)
    if latest is None or not has_schema(tenant.cell, str(latest.result["kept_schema"])):
        raise Conflict("There is no restore that could be taken back.", code="restores.nothing_kept")
    values = {TAKES_BACK: str(latest.pk), "moment": timezone.now().isoformat(), "keeps_access": True}
    return _start(tenant, values, asked_by)


def restore_to_take_back(tenant: Tenant) -> Operation | None:
    """The company's latest restore, if what it replaced was kept and has not been cleared away or taken back."""
    latest = Operation.objects.filter(
        kind=KIND, tenant_id=tenant.pk, state=Operation.State.SUCCEEDED
    ).order_by("-finished_at", "-pk").first()  # fmt: skip
    if latest is None or TAKES_BACK in latest.input or not latest.result.get("kept_schema"):
        return None
    is_here = latest.result.get("cell") == tenant.cell
    return latest if is_here and kept_until(latest) > timezone.now() else None


def kept_until(restore: Operation) -> datetime:
    """Until when what a restore has replaced is kept; the night after that it is cleared away."""
    return (restore.finished_at or timezone.now()) + timedelta(days=settings.RESTORE_KEEP_DAYS)


def restore_tenant(
    *, slug: str, moment: datetime, asked_by: str, keeps_access: bool = True, cell: str | None = None
) -> Operation:
    """Bring a company back to a moment and wait for it. Raises: what :func:`start_restore` and its steps raise."""
    operation = start_restore(
        slug=slug, moment=moment, asked_by=asked_by, keeps_access=keeps_access, cell=cell
    )
    return carry_out(operation.pk)


def take_restore_back(*, slug: str, asked_by: str) -> Operation:
    """Take a company's latest restore back and wait for it. Raises: what :func:`start_taking_back` raises."""
    return carry_out(start_taking_back(slug=slug, asked_by=asked_by).pk)


def drop_replaced_schemas(tenant_id: UUID | None = None) -> int:
    """Drop what restores have put aside and nobody took back for ``RESTORE_KEEP_DAYS``; returns how many schemas.

    With ``tenant_id`` all that was put aside of this company goes, however young: it is being deleted.
    """
    cutoff = timezone.now() - timedelta(days=settings.RESTORE_KEEP_DAYS)
    ended = Operation.objects.filter(kind=KIND, finished_at__isnull=False).order_by("finished_at")
    if tenant_id is not None:
        ended = ended.filter(tenant_id=tenant_id)
    touched: dict[UUID, datetime] = {}
    restores: dict[UUID, Operation] = {}
    for operation in ended:
        restore_id = UUID(operation.input[TAKES_BACK]) if TAKES_BACK in operation.input else operation.pk
        touched[restore_id] = operation.finished_at or cutoff
        restores.setdefault(restore_id, operation)
    dropped = 0
    for restore_id, moment in touched.items():
        if tenant_id is None and moment > cutoff:
            continue
        dropped += _drop_both(restore_id, restores[restore_id])
    return dropped


def _drop_both(restore_id: UUID, operation: Operation) -> int:
    """What went and what came, whichever is put aside now; the company's own schema has another name than both."""
    tenant = Tenant.objects.filter(pk=operation.tenant_id).first() if operation.tenant_id else None
    cell = str(operation.result.get("cell", ""))
    if tenant is None or cell not in settings.CELLS:
        return 0
    swap, dropped = Swap.of(tenant, restore_id), 0
    for schema in (swap.replaced, swap.restored):
        if has_schema(cell, schema):
            remove_schema(cell, schema)
            log.info("restore.replaced_schema_dropped", tenant=tenant.slug, cell=cell)
            dropped += 1
    return dropped


def _start(tenant: Tenant, values: Mapping[str, Any], asked_by: str) -> Operation:
    under_way = Operation.objects.filter(
        kind=KIND, tenant_id=tenant.pk, state__in=Operation.OPEN
    ).first()  # fmt: skip
    same = ("cell", TAKES_BACK) if TAKES_BACK in values else ("moment", "keeps_access", "cell")
    if under_way and all(under_way.input.get(name) == values.get(name) for name in same):
        return under_way
    operation = start_operation(
        kind=KIND, tenant_id=tenant.pk, tenant_slug=tenant.slug, asked_by=asked_by, values=values
    )
    ask_for_run(operation)
    return operation
