"""Asking for a move, doing it to its end, and taking it back."""

from django.conf import settings

from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.lifecycle.moving.copies import KEEP_DAYS
from tenants.lifecycle.moving.switching import MOVABLE
from tenants.lifecycle.operations import abandon, carry_out, start_operation, tenant_called
from tenants.models import Operation
from tenants.permissions import PLATFORM_SLUG

JOB_SECONDS = 60


def start_move(
    *,
    slug: str,
    to: str,
    asked_by: str,
    keep_days: int = KEEP_DAYS,
    wait_for_jobs: int = JOB_SECONDS,
    may_change_region: bool = False,
) -> Operation:
    """Write down that a company is to be moved to the cell ``to``; the workers do it, or :func:`carry_out`.

    The company works on; only at the end it can be read and not changed for a moment. ``keep_days``: how long the old
    place is kept, closed to everybody. ``wait_for_jobs``: seconds for its running jobs to end before they are begun
    anew in the new place.

    Raises: NotFound, InvalidInput (the cell), Conflict (it lives there already, its state, another operation, the cell
    is in another region and ``may_change_region`` is not given).
    """
    tenant = tenant_called(slug)
    if to not in settings.CELL_POLICIES:
        known = ", ".join(settings.CELLS)
        raise InvalidInput(
            "There is no such cell.",
            code="moves.unknown_cell",
            fields={"to": [f"Choose one of these: {known}."]},
        )
    if tenant.cell == to:
        raise Conflict("The company lives in this cell already.", code="moves.already_there")
    if tenant.slug == PLATFORM_SLUG:
        raise Conflict(
            "The platform's own tenant is not moved: its jobs move the others.", code="moves.platform"
        )
    if tenant.state not in MOVABLE:
        # Said here already: an operation that can only be undone would keep others waiting meanwhile.
        raise Conflict("A company in this state is not moved.", code="moves.state")
    region = settings.CELL_POLICIES[to].region
    if region != tenant.region and not may_change_region:
        raise Conflict(
            f"This cell is in the region {region}, the company's is {tenant.region}.",
            code="moves.other_region",
            params={"region": region},
        )
    values = {
        "from": tenant.cell, "to": to, "schema": tenant.schema, "role": tenant.role, "keep_days": max(0, keep_days),
        "wait_for_jobs": max(0, wait_for_jobs),
    }  # fmt: skip
    return start_operation(
        kind=Operation.Kind.MOVE,
        tenant_id=tenant.pk,
        tenant_slug=tenant.slug,
        asked_by=asked_by,
        values=values,
    )


def move_tenant(
    *,
    slug: str,
    to: str,
    asked_by: str,
    keep_days: int = KEEP_DAYS,
    wait_for_jobs: int = JOB_SECONDS,
    may_change_region: bool = False,
) -> Operation:
    """Move a company and wait for it; a move that was cut short goes on where it was.

    Raises: as :func:`start_move`, and what stopped it: then nothing is changed, or, where it will pass, the workers go
    on with it.
    """
    operation = open_move(slug)
    if operation is None or operation.input["to"] != to:
        operation = start_move(
            slug=slug, to=to, asked_by=asked_by, keep_days=keep_days, wait_for_jobs=wait_for_jobs,
            may_change_region=may_change_region,
        )  # fmt: skip
    return carry_out(operation.pk)


def undo_move(*, slug: str, asked_by: str) -> Operation:
    """Take the company's last move back: one under way is undone, one that is done is followed by a move back.

    A move back is a move like any other, so nothing is lost that was written in the new place.

    Raises: NotFound (it never moved), Conflict (somebody is just working on it, or it is past the point of return).
    """
    operation = open_move(slug)
    if operation is not None:
        return abandon(operation.pk, reason=f"Taken back by {asked_by}.")
    tenant = tenant_called(slug)
    moves = Operation.objects.filter(
        kind=Operation.Kind.MOVE, state=Operation.State.SUCCEEDED, tenant_id=tenant.pk
    )
    last = moves.order_by("-finished_at").first()
    if last is None:
        raise NotFound("This company has not been moved.", code="moves.never_moved")
    return move_tenant(slug=slug, to=last.input["from"], asked_by=asked_by, may_change_region=True)


def open_move(slug: str) -> Operation | None:
    """The company's move that is under way, if there is one. Raises: NotFound."""
    return Operation.objects.filter(
        kind=Operation.Kind.MOVE, state__in=Operation.OPEN, tenant_id=tenant_called(slug).pk
    ).first()
