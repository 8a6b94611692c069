"""A company's export: asked for, carried out as an operation, downloaded while it is kept, removed when it is old."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from tenants.accounts.access import Actor, require
from tenants.foundation.errors import Conflict, LimitReached, NotFound
from tenants.lifecycle.export.archive import write_archive
from tenants.lifecycle.export.keeping import new_archive, open_archive, path_of, remove_archive
from tenants.lifecycle.operations import Run, Step, ask_for_run, register_saga, start_operation
from tenants.lifecycle.transitions import change_state
from tenants.models import Operation, Tenant
from tenants.permissions import EXPORT_COMPANY, PLATFORM_SLUG
from tenants.tenancy import current_tenant
from tenants.tenancy.addresses import address_of

log = structlog.get_logger(__name__)
KIND: Final = Operation.Kind.EXPORT
KEYS_PATH: Final = "/.well-known/signing-keys.json"
BEAT_SECONDS: Final = 5.0
MOST_SHOWN: Final = 50
# Each archive lies for days on a disk that all companies share: a program in a loop must not fill it.
MOST_A_DAY: Final = 10
STATES: Final = ("running", "ready", "failed", "gone")
EXPORTABLE: Final = frozenset(
    {Tenant.State.ACTIVE, Tenant.State.READ_ONLY, Tenant.State.SUSPENDED, Tenant.State.PENDING_DELETION}
)


@dataclass(frozen=True, slots=True)
class Export:
    """One export as people see it. ``state`` is one of STATES; ``gone`` means that it was removed."""

    id: UUID
    state: str
    asked_by: str
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None
    rows: int
    bytes: int | None
    sha256: str
    error: str

    @property
    def is_ready(self) -> bool:
        """Whether it can be downloaded."""
        return self.state == "ready"


def request_export(*, tenant_id: UUID, asked_by: str) -> Operation:
    """Have everything of a company written into one archive; the workers do it.

    Raises: NotFound, Conflict (its state does not allow it, or another operation on it is not finished).
    """
    operation = begin_export(tenant_id=tenant_id, asked_by=asked_by)
    ask_for_run(operation)
    return operation


def begin_export(*, tenant_id: UUID, asked_by: str) -> Operation:
    """Write down that a company is to be exported, for a caller that runs it itself. Raises: as `request_export`."""
    tenant = Tenant.objects.filter(pk=tenant_id).first()
    if tenant is None or tenant.state == Tenant.State.DELETED:
        raise NotFound("There is no such company.", code="tenants.unknown")
    if tenant.state not in EXPORTABLE:
        raise Conflict(
            f"A company that is {tenant.state.replace('_', ' ')} cannot be exported now.",
            code="exports.state",
        )
    operation = start_operation(
        kind=KIND, tenant_id=tenant.pk, tenant_slug=tenant.slug, asked_by=asked_by, values={}
    )
    log.info("export.requested", tenant=tenant.slug, export_id=str(operation.pk), asked_by=asked_by)
    return operation


def export_own_company(*, actor: Actor) -> Export:
    """Have one's own company exported. Raises: Forbidden, Conflict, LimitReached (too many within a day)."""
    require(actor, EXPORT_COMPANY)
    tenant_id, a_day = current_tenant().id, timedelta(days=1)
    latest = _exports(tenant_id).filter(created_at__gt=timezone.now() - a_day).order_by("-created_at")
    oldest = latest[MOST_A_DAY - 1 : MOST_A_DAY].first()
    if oldest is not None:
        raise LimitReached(
            gettext("At most %(most)s exports are made within a day.") % {"most": MOST_A_DAY},
            code="exports.too_many",
            retry_after_seconds=(oldest.created_at + a_day - timezone.now()).total_seconds(),
        )
    return _shown(request_export(tenant_id=tenant_id, asked_by=actor.name))


def visible_exports(*, actor: Actor) -> QuerySet[Operation]:
    """The exports of one's own company as rows. Raises: Forbidden."""
    require(actor, EXPORT_COMPANY)
    return _exports(current_tenant().id)


def shown_exports(rows: Iterable[Operation]) -> list[Export]:
    """Rows as people see them."""
    return [_shown(row) for row in rows]


def own_exports(*, actor: Actor) -> list[Export]:
    """The newest exports of one's own company, newest first. Raises: Forbidden."""
    require(actor, EXPORT_COMPANY)
    return exports_of(current_tenant().id)


def own_export(*, actor: Actor, export_id: UUID) -> Export:
    """One export of one's own company. Raises: Forbidden, NotFound."""
    require(actor, EXPORT_COMPANY)
    return _shown(_find(current_tenant().id, export_id))


def download_own_export(*, actor: Actor, export_id: UUID) -> Iterator[bytes]:
    """The archive in parts; who took it is noted. Raises: Forbidden, NotFound."""
    require(actor, EXPORT_COMPANY)
    tenant = current_tenant()
    parts = read_export(tenant_id=tenant.id, export_id=export_id)
    log.info("export.downloaded", export_id=str(export_id), by=actor.name)
    return parts


def exports_of(tenant_id: UUID) -> list[Export]:
    """A company's exports, newest first."""
    return shown_exports(_exports(tenant_id).order_by("-created_at")[:MOST_SHOWN])


def read_export(*, tenant_id: UUID, export_id: UUID) -> Iterator[bytes]:
    """The archive of a finished export, in parts. Raises: NotFound."""
    if not _shown(_find(tenant_id, export_id)).is_ready:
        raise NotFound("This export is not kept any more.", code="exports.gone")
    return open_archive(tenant_id, export_id)


def remove_expired_exports() -> int:
    """Remove the archives whose time has come; how many it were. A job calls it."""
    count = 0
    done = Operation.objects.filter(kind=KIND).exclude(state__in=Operation.OPEN)
    for operation in done.exclude(result__has_key="removed_at").exclude(result={}):
        expires_at = _moment(operation, "expires_at")
        if operation.tenant_id and expires_at and expires_at <= timezone.now():
            remove_archive(operation.tenant_id, operation.pk)
            operation.result["removed_at"] = timezone.now().isoformat()
            operation.save(update_fields=["result", "updated_at"])
            count += 1
    if count:
        log.info("exports.expired", count=count)
    return count


def file_name(slug: str, export: Export) -> str:
    """What a downloaded archive is called."""
    return f"{slug}-export-{export.created_at:%Y-%m-%d-%H%M}.zip"


# --- the steps


def _enter(run: Run) -> None:
    tenant = _tenant(run)
    if tenant.state == Tenant.State.ACTIVE:
        run.remember(entered=True)
        change_state(tenant.pk, Tenant.State.EXPORTING, seen=Tenant.State.ACTIVE)


def _leave(run: Run) -> None:
    """Back to what it was, unless somebody has closed its doors meanwhile."""
    if run.context.get("entered"):
        tenant = _tenant(run)
        if tenant.state == Tenant.State.EXPORTING:
            change_state(tenant.pk, Tenant.State.ACTIVE, seen=Tenant.State.EXPORTING)


def _write(run: Run) -> None:
    tenant, export_id = _tenant(run), run.operation.pk
    last = time.monotonic()

    def beat(name: str, rows: int) -> None:
        nonlocal last
        if time.monotonic() - last >= BEAT_SECONDS:
            last = time.monotonic()
            run.progress(table=name, rows=rows)

    with new_archive(tenant.pk, export_id) as target:
        written = write_archive(
            target, tenant=tenant.ref, export_id=str(export_id), asked_by=run.operation.asked_by,
            keys_url=f"{address_of(PLATFORM_SLUG)}{KEYS_PATH}", beat=beat,
        )  # fmt: skip
        kept = target.kept()
    expires_at = timezone.now() + timedelta(days=settings.EXPORT_KEEP_DAYS)
    run.result(
        rows=written.rows, tables=written.tables, files=written.files, moment=written.moment.isoformat(),
        bytes=kept.bytes, sha256=kept.sha256, expires_at=expires_at.isoformat(),
    )  # fmt: skip


def _unwrite(run: Run) -> None:
    if run.operation.tenant_id:
        remove_archive(run.operation.tenant_id, run.operation.pk)


def _tenant(run: Run) -> Tenant:
    assert run.operation.tenant_id is not None
    return Tenant.objects.get(pk=run.operation.tenant_id)


register_saga(KIND, Step("enter", _enter, _leave), Step("write", _write, _unwrite), Step("leave", _leave))


def _exports(tenant_id: UUID) -> QuerySet[Operation]:
    return Operation.objects.filter(kind=KIND, tenant_id=tenant_id)


def _find(tenant_id: UUID, export_id: UUID) -> Operation:
    operation = _exports(tenant_id).filter(pk=export_id).first()
    if operation is None:
        raise NotFound("There is no such export.", code="exports.unknown")
    return operation


def _shown(operation: Operation) -> Export:
    result = operation.result
    expires_at = _moment(operation, "expires_at")
    return Export(
        id=operation.pk, state=_state(operation), asked_by=operation.asked_by, created_at=operation.created_at,
        finished_at=operation.finished_at, expires_at=expires_at,
        rows=result.get("rows", operation.progress.get("rows", 0)), bytes=result.get("bytes"),
        sha256=result.get("sha256", ""), error=operation.error,
    )  # fmt: skip


def _state(operation: Operation) -> str:
    if operation.state in Operation.OPEN:
        return "running"
    if operation.state != Operation.State.SUCCEEDED:
        return "failed"
    expires_at = _moment(operation, "expires_at")
    is_old = expires_at is None or expires_at <= timezone.now()
    if is_old or not path_of(operation.tenant_id, operation.pk).exists():  # type: ignore[arg-type]
        return "gone"
    return "ready"


def _moment(operation: Operation, name: str) -> datetime | None:
    text = operation.result.get(name)
    return datetime.fromisoformat(text) if text else None
