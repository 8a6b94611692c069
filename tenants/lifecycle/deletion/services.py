"""A company is to be deleted: asked for, called off while there is time, begun when the time has come."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext

from tenants.accounts.access import Actor, require
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.lifecycle.deletion.letters import Letter, post
from tenants.lifecycle.deletion.steps import KIND
from tenants.lifecycle.operations import ask_for_run, start_operation
from tenants.lifecycle.transitions import change_state
from tenants.models import DeletionRequest, Operation, Tenant
from tenants.permissions import DELETE_COMPANY
from tenants.tenancy import current_tenant

log = structlog.get_logger(__name__)
State = Tenant.State
DELETABLE: Final = frozenset({State.ACTIVE, State.READ_ONLY, State.SUSPENDED})


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion that was asked for: when it is carried out, and where it can be called off until then."""

    asked_by: str
    asked_at: datetime
    delete_after: datetime
    has_begun: bool


def request_deletion(
    *, tenant_id: UUID, asked_by: str, asked_as: str = DeletionRequest.Asker.OPERATOR, confirm: str
) -> DeletionRequest:
    """Close a company's doors and have it deleted after the days of grace; its owners are told how to keep it.

    ``confirm`` is the company's slug, typed by whoever asks.
    Raises: NotFound, InvalidInput (another slug), Conflict (its state, an open operation, asked for already).
    """
    after = grace_ends_at()
    with transaction.atomic(using="default"):
        tenant = _locked(tenant_id)
        if confirm.strip().lower() != tenant.slug:
            raise InvalidInput(
                gettext("This is not the company's address."),
                fields={
                    "confirm": [gettext("Type “%(slug)s” to say that you mean it.") % {"slug": tenant.slug}]
                },
            )
        if tenant.state == State.PENDING_DELETION:
            raise Conflict(gettext("This company is to be deleted already."), code="deletion.asked_already")
        if tenant.state not in DELETABLE or _has_open_operation(tenant_id):
            raise Conflict(
                gettext("Something else is being done to this company. Try again when it has ended."),
                code="deletion.busy",
            )
        try:
            with transaction.atomic(using="default"):
                request = DeletionRequest.objects.create(
                    tenant_id=tenant_id, asked_by=asked_by[:200], asked_as=asked_as,
                    state_before=tenant.state, reason_before=tenant.state_reason, delete_after=after,
                )  # fmt: skip
        except IntegrityError as error:
            raise Conflict(
                gettext("This company is to be deleted already."), code="deletion.asked_already"
            ) from error
        change_state(
            tenant_id,
            State.PENDING_DELETION,
            reason=_reason(tenant, after),
            asked_by=asked_by,
            delete_after=after,
        )
    log.info("deletion.requested", tenant=tenant.slug, asked_by=asked_by, delete_after=after.isoformat())
    post(request, Letter.ASKED)
    return request


def grace_ends_at() -> datetime:
    """Until when a company can be kept whose deletion is asked for now."""
    return timezone.now() + timedelta(days=settings.DELETION_GRACE_DAYS)


def cancel_deletion(*, tenant_id: UUID, asked_by: str) -> Tenant:
    """Keep a company that was to be deleted: everything is as it was before, and its jobs go on.

    Raises: NotFound (nobody asked for its deletion), Conflict (it has begun).
    """
    with transaction.atomic(using="default"):
        _locked(tenant_id)
        request = _open_request(tenant_id)
        if request.begun_at is not None:
            raise Conflict(gettext("This company is being deleted already."), code="deletion.begun")
        tenant = change_state(
            tenant_id, request.state_before, seen=State.PENDING_DELETION, asked_by=asked_by,
            reason=request.reason_before,
        )  # fmt: skip
        request.cancelled_at, request.cancelled_by = timezone.now(), asked_by[:200]
        request.save(update_fields=["cancelled_at", "cancelled_by"])
    log.info("deletion.cancelled", tenant=tenant.slug, asked_by=asked_by)
    post(request, Letter.KEPT)
    return tenant


def begin_deletion(*, tenant_id: UUID, asked_by: str, at_once: bool = False) -> Operation:
    """Write down that a company is deleted now; from here there is no way back. Whoever calls runs the operation.

    Raises: NotFound (nobody asked for it), Conflict (its days of grace are not over, or it has begun).
    """
    with transaction.atomic(using="default"):
        tenant = _locked(tenant_id)
        request = _open_request(tenant_id)
        if request.begun_at is not None:
            raise Conflict("This company is being deleted already.", code="deletion.begun")
        if not at_once and request.delete_after > timezone.now():
            raise Conflict(
                f"This company can still be kept until {request.delete_after:%Y-%m-%d %H:%M} (UTC).",
                code="deletion.too_early",
            )
        operation = start_operation(
            kind=KIND, tenant_id=tenant_id, tenant_slug=tenant.slug, asked_by=asked_by,
            values={"request_id": str(request.pk)},
        )  # fmt: skip
        request.begun_at = timezone.now()
        request.save(update_fields=["begun_at"])
    log.info("deletion.begun", tenant=tenant.slug, operation=str(operation.pk))
    return operation


def delete_due_companies() -> int:
    """Begin with every company whose days of grace are over; how many it were. A job calls it."""
    due = DeletionRequest.objects.filter(
        cancelled_at=None, done_at=None, begun_at=None, delete_after__lte=timezone.now()
    )
    count = 0
    for tenant_id in list(due.order_by("delete_after").values_list("tenant_id", flat=True)):
        try:
            ask_for_run(begin_deletion(tenant_id=tenant_id, asked_by="Notion Task Sync"))
            count += 1
        except (Conflict, NotFound) as refusal:
            # It was called off this very moment, or an export that runs now ends first.
            log.warning("deletion.postponed", tenant_id=str(tenant_id), reason=refusal.message)
    return count


def delete_own_company(*, actor: Actor, confirm: str) -> DeletionRequest:
    """Have one's own company deleted. Raises: Forbidden, InvalidInput, Conflict."""
    require(actor, DELETE_COMPANY)
    return request_deletion(
        tenant_id=current_tenant().id, asked_by=actor.name, asked_as=DeletionRequest.Asker.OWNER, confirm=confirm
    )  # fmt: skip


def deletion_of(tenant_id: UUID) -> Deletion | None:
    """The deletion a company waits for, if any."""
    try:
        request = _open_request(tenant_id)
    except NotFound:
        return None
    return Deletion(request.asked_by, request.asked_at, request.delete_after, request.begun_at is not None)


def _open_request(tenant_id: UUID) -> DeletionRequest:
    request = DeletionRequest.objects.filter(tenant_id=tenant_id, cancelled_at=None, done_at=None).first()
    if request is None:
        raise NotFound(gettext("Nobody asked for this company's deletion."), code="deletion.not_asked")
    return request


def _locked(tenant_id: UUID) -> Tenant:
    tenant = Tenant.objects.select_for_update().filter(pk=tenant_id).exclude(state=State.DELETED).first()
    if tenant is None:
        raise NotFound(gettext("There is no such company."), code="tenants.unknown")
    return tenant


def _has_open_operation(tenant_id: UUID) -> bool:
    return Operation.objects.filter(tenant_id=tenant_id, state__in=Operation.OPEN).exists()


def _reason(tenant: Tenant, after: datetime) -> str:
    with translation.override(tenant.language):
        return gettext("It will be deleted on %(day)s.") % {"day": date_format(after, "DATE_FORMAT")}
