"""What an operator does about operations and jobs by hand: take up, give up, run again, remove."""

from uuid import UUID

import structlog

from tenants.accounts.access import Actor
from tenants.dispatch.services import discard_dead_letter, retry_dead_letter
from tenants.foundation.errors import Conflict
from tenants.lifecycle.onboarding import give_up_onboarding
from tenants.lifecycle.operations import abandon, ask_for_run, get_operation
from tenants.models import Operation
from tenants.permissions import MANAGE_COMPANIES, MANAGE_WORK, require_operator

log = structlog.get_logger(__name__)


def run_operation_now(*, operation_id: UUID, actor: Actor) -> Operation:
    """Have the workers take an operation up at once. Raises: NotFound, Forbidden, Conflict (it has ended)."""
    require_operator(actor, MANAGE_COMPANIES)
    operation = get_operation(operation_id)
    if operation.state not in Operation.OPEN:
        raise Conflict("This has ended.", code="operations.ended")
    ask_for_run(operation)
    log.info("operation.asked_for", operation=str(operation_id), asked_by=actor.name)
    return operation


def give_up_operation(*, operation_id: UUID, actor: Actor) -> Operation:
    """Stop an operation and undo what it did so far.

    Raises: NotFound, Forbidden, Conflict (it has ended, somebody is just doing it, or it is past the point of return).
    """
    require_operator(actor, MANAGE_COMPANIES)
    operation = get_operation(operation_id)
    reason = f"Given up by {actor.name}."
    log.info("operation.given_up", operation=str(operation_id), asked_by=actor.name)
    if operation.kind == Operation.Kind.ONBOARD:
        return give_up_onboarding(operation_id, reason=reason)
    return abandon(operation_id, reason=reason)


def retry_given_up(*, cell: str, item_id: UUID, actor: Actor) -> None:
    """Run a dead letter again. Raises: NotFound, Forbidden, Conflict (the same work was asked for anew)."""
    require_operator(actor, MANAGE_WORK)
    retry_dead_letter(cell=cell, item_id=item_id)


def discard_given_up(*, cell: str, item_id: UUID, actor: Actor) -> None:
    """Remove a dead letter for good. Raises: NotFound, Forbidden."""
    require_operator(actor, MANAGE_WORK)
    discard_dead_letter(cell=cell, item_id=item_id)
