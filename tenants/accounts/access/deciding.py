"""The second person's word on a proposed change: agreeing, which carries it out, refusing; and one's own taken back."""

from django.utils import timezone

from tenants.accounts.access.actors import Actor, SystemActor, UserActor
from tenants.accounts.access.changes import Approved, ChangeKind, change_kind, fingerprint
from tenants.accounts.access.checks import can, require
from tenants.accounts.access.gathering import gathered_actor
from tenants.accounts.access.granting import wait_to_change_access
from tenants.accounts.access.holders import is_settled, people_holding
from tenants.accounts.access.left_alone import COOLING, left_alone, others_are_settled
from tenants.accounts.access.proposals import SECRETS_OF, checked_text, close_change
from tenants.accounts.events import ChangeApproved, ChangeRefused, ChangeWithdrawn
from tenants.accounts.models import ProposedChange
from tenants.foundation.errors import Conflict, Forbidden, NotFound
from tenants.outbox.bus import publish
from tenants.secrets.services import reveal_secrets
from tenants.tenancy import atomic


@atomic
def approve_change(*, change: ProposedChange, actor: Actor) -> ProposedChange:
    """Agree to somebody else's change and carry it out, once.

    Raises: Forbidden (permission, one's own proposal, a token, somebody who came after it), what a step-up raises,
    NotFound, Conflict (decided, run out, overtaken, the proposer may no longer), what carrying it out raises.
    """
    known = change_kind(change.kind)
    if known is not None:
        # What it is about is locked before the proposal, as whoever proposes does: else each would wait for the other.
        fingerprint(known, change.target_id)
    current, kind = _locked(change)
    approver = _as_second_person(current, kind, actor)
    _check_not_brought_along(current, kind, approver)
    # Nobody's roles change until this is through: both are looked at as they stand now.
    wait_to_change_access()
    proposer = gathered_actor(current.proposed_by) if current.proposed_by else None
    if proposer is None or not can(proposer, kind.permission):
        raise Conflict(
            "Whoever proposed this may no longer do it themselves.", code="conflict.proposer_may_not"
        )
    require(gathered_actor(approver.user), kind.permission)
    if fingerprint(kind, current.target_id) != current.fingerprint:
        raise Conflict(
            "What this is about has changed since it was proposed. Let it be proposed again.",
            code="conflict.change_is_stale",
        )
    kind.apply(
        Approved(
            change_id=current.pk,
            target_id=current.target_id,
            arguments=current.arguments,
            secrets=reveal_secrets(owner_table=SECRETS_OF, owner_id=current.pk),
            proposer=proposer,
            approver=approver,
        )
    )
    close_change(current, ProposedChange.State.APPLIED, approver)
    publish(
        ChangeApproved(
            change_id=current.pk,
            kind=current.kind,
            target_id=current.target_id,
            proposed_by_id=current.proposed_by_id,
        )
    )
    return current


@atomic
def refuse_change(*, change: ProposedChange, actor: Actor, note: str = "") -> ProposedChange:
    """Say no to somebody else's change, with a note for them. Raises: as `approve_change`, InvalidInput (note)."""
    current, kind = _locked(change)
    approver = _as_second_person(current, kind, actor)
    close_change(current, ProposedChange.State.REFUSED, approver, note=checked_text(note, "note"))
    publish(ChangeRefused(change_id=current.pk, kind=current.kind, target_id=current.target_id))
    return current


@atomic
def withdraw_change(*, change: ProposedChange, actor: Actor) -> ProposedChange:
    """Take one's own proposal back. Raises: Forbidden (somebody else's), NotFound, Conflict (decided, run out)."""
    current, _kind = _locked(change)
    if not isinstance(actor, UserActor) or current.proposed_by_id != actor.user_id:
        raise Forbidden("Only whoever proposed this can withdraw it.", code="forbidden.not_the_proposer")
    close_change(current, ProposedChange.State.WITHDRAWN, actor)
    publish(ChangeWithdrawn(change_id=current.pk, kind=current.kind, target_id=current.target_id))
    return current


def may_decide(change: ProposedChange, actor: Actor) -> bool:
    """Say whether an actor could be the second person for a change, as far as can be told without asking them."""
    kind = change_kind(change.kind)
    return (
        kind is not None
        and isinstance(actor, UserActor)
        and change.is_open
        and actor.token_id is None
        and change.proposed_by_id != actor.user_id
        and actor.user.created_at < change.proposed_at
        and can(actor, kind.permission)
    )


def _locked(change: ProposedChange) -> tuple[ProposedChange, ChangeKind]:
    rows = ProposedChange.objects.select_for_update(of=("self",), no_key=True)
    current = rows.select_related("proposed_by").filter(pk=change.pk).first()
    kind = change_kind(current.kind) if current else None
    if current is None or kind is None:
        raise NotFound("There is no such change.", code="not_found.change")
    if not current.is_open:
        raise Conflict("This change waits for nobody any more.", code="conflict.change_is_decided")
    return current, kind


def _as_second_person(change: ProposedChange, kind: ChangeKind, actor: Actor) -> UserActor:
    if isinstance(actor, SystemActor) or actor.token_id is not None:
        raise Forbidden("Only a person who is signed in can decide this.", code="forbidden.person_needed")
    require(actor, kind.permission)
    if actor.user not in people_holding(kind.permission):
        # A program, an operator on a visit, or somebody who holds it in a part of the company only.
        raise Forbidden("Only a person of the company can decide this.", code="forbidden.person_needed")
    if change.proposed_by_id == actor.user_id:
        raise Forbidden("Somebody else has to decide what you proposed.", code="forbidden.own_proposal")
    if actor.user.created_at >= change.proposed_at:
        raise Forbidden(
            "Somebody has to decide this who was here before it was proposed.", code="forbidden.came_after"
        )
    lately = left_alone(kind.permission)
    if lately is not None and actor.user_id not in lately.before:
        # Whoever is left alone does not choose their second person at once.
        until = timezone.localtime(lately.until)
        raise Forbidden(
            f"Until {until:%Y-%m-%d %H:%M} somebody has to decide this who could before.",
            code="forbidden.came_after",
        )
    return actor


def _check_not_brought_along(change: ProposedChange, kind: ChangeKind, approver: UserActor) -> None:
    """Whoever proposes does not first make somebody who agrees, while others are there who could."""
    since = timezone.now() - COOLING
    if is_settled(approver.user, kind.permission, since):
        return
    if others_are_settled(kind.permission, but=frozenset({change.proposed_by_id, approver.user_id})):
        raise Forbidden(
            "You can do this for less than a day: somebody has to agree who could before. You can refuse it.",
            code="forbidden.came_after",
        )
