"""Two people for one change: proposing it, agreeing, refusing, and who there is to agree.

waiting = hold_for_second_person(kind=CHANGE_PROVIDER, actor=actor, target_id=provider.pk, …)
if waiting is None:
    …  # make the change now
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db.models import Q, QuerySet
from django.utils import timezone

from tenants.accounts.access.actors import Actor, SystemActor, UserActor
from tenants.accounts.access.changes import (
    DEFAULT_SUBJECTS,
    Approved,
    ChangeKind,
    DiffLine,
    Json,
    Subject,
    all_kinds,
    change_kind,
    fingerprint,
)
from tenants.accounts.access.checks import can, require
from tenants.accounts.access.gathering import gathered_actor
from tenants.accounts.access.holders import people_holding
from tenants.accounts.events import (
    ChangeApproved,
    ChangeMadeAlone,
    ChangeProposed,
    ChangeRefused,
    ChangeWithdrawn,
)
from tenants.accounts.models import AccessPolicy, ProposedChange, User
from tenants.dispatch import enqueue
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.foundation.ids import uuid7
from tenants.outbox.bus import publish
from tenants.secrets.services import delete_owners_secrets, reveal_secrets, store_secret
from tenants.tenancy import atomic, wait_for_turn

log = structlog.get_logger(__name__)

VALID_FOR: Final = timedelta(days=7)
LETTER_JOB: Final = "accounts.change_letter"
_TABLE: Final = "accounts_proposedchange"
_MOST_TEXT: Final = 500


def subjects_for_two() -> frozenset[str]:
    """What the company wants two people for. One query."""
    row = AccessPolicy.objects.values_list("two_people_for", flat=True).first()
    return frozenset(DEFAULT_SUBJECTS if row is None else row)


def others_who_could_agree(kind: ChangeKind, actor: UserActor) -> list[User]:
    """The other people who hold the permission a change of this kind needs, everywhere. One query."""
    return [user for user in people_holding(kind.permission) if user.pk != actor.user_id]


class SecondPersonNeeded(Conflict):
    """This cannot be done by one person here: it has to be proposed."""

    default_code = "conflict.second_person_needed"
    default_message = "Your company wants two people for this. Propose it, and somebody else agrees."


def check_may_alone(kind: ChangeKind, actor: Actor) -> None:
    """Stop one person where the company wants two for a kind of change. Raises: SecondPersonNeeded."""
    if isinstance(actor, SystemActor):
        return
    is_wanted = kind.subject is None or kind.subject.value in subjects_for_two()
    if is_wanted and others_who_could_agree(kind, actor):
        raise SecondPersonNeeded


def check_may_make_owner_alone(actor: Actor) -> None:
    """Stop one person from making an owner where the company wants two. Raises: SecondPersonNeeded."""
    if isinstance(actor, SystemActor) or Subject.OWNERS.value not in subjects_for_two():
        return
    if any(user.pk != actor.user_id for user in people_holding("accounts.change_roles")):
        raise SecondPersonNeeded


@atomic
def hold_for_second_person(
    *,
    kind: ChangeKind,
    actor: Actor,
    arguments: Mapping[str, Json],
    diff: Sequence[DiffLine],
    target_id: UUID | None = None,
    target_name: str = "",
    reason: str = "",
    secrets: Mapping[str, str] | None = None,
) -> ProposedChange | None:
    """Write a change down for a second person to agree to; None when the caller shall make it now.

    Now: the company does not want two people for it, the product itself makes it, or there is nobody else who holds
    the permission. The last is written down as well, and told to everybody who looks after access.
    A new proposal takes the place of one's own open one for the same thing, and of one that was overtaken.

    Raises: Forbidden, what a step-up raises, InvalidInput (reason), Conflict (somebody else's waits already).
    """
    require(actor, kind.permission)
    if isinstance(actor, SystemActor) or (
        kind.subject is not None and kind.subject.value not in subjects_for_two()
    ):
        return None
    wait_for_turn(f"accounts.change/{kind.key}/{target_id}")
    digest = fingerprint(kind, target_id)
    is_alone = not others_who_could_agree(kind, actor)
    _make_room(kind, target_id, actor, digest)
    now = timezone.now()
    change = ProposedChange(
        id=uuid7(),
        kind=kind.key,
        target_id=target_id,
        target_name=target_name[:200],
        arguments=dict(arguments),
        diff=[asdict(line) for line in diff],
        fingerprint=digest,
        reason=_checked_text(reason, "reason"),
        proposed_by=actor.user,
        proposed_at=now,
        expires_at=now + VALID_FOR,
    )
    about: dict[str, Any] = {"change_id": change.pk, "kind": kind.key, "target_id": target_id}
    if is_alone:
        change.state, change.is_alone, change.decided_at = ProposedChange.State.APPLIED, True, now
        change.arguments = {}
    change.save(force_insert=True)
    if is_alone:
        publish(ChangeMadeAlone(**about))
    else:
        for name, value in (secrets or {}).items():
            store_secret(name=name, owner_table=_TABLE, owner_id=change.pk, value=value, actor=actor)
        publish(ChangeProposed(**about))
    enqueue(LETTER_JOB, object_id=change.pk)
    log.info("change.written_down", is_alone=is_alone, **about)
    return None if is_alone else change


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
    # Nobody's roles change until this is through: both are looked at as they stand now.
    wait_for_turn("accounts.access")
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
            secrets=reveal_secrets(owner_table=_TABLE, owner_id=current.pk),
            proposer=proposer,
            approver=approver,
        )
    )
    _decide(current, ProposedChange.State.APPLIED, approver)
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
    _decide(current, ProposedChange.State.REFUSED, approver, note=_checked_text(note, "note"))
    publish(ChangeRefused(change_id=current.pk, kind=current.kind, target_id=current.target_id))
    return current


@atomic
def withdraw_change(*, change: ProposedChange, actor: Actor) -> ProposedChange:
    """Take one's own proposal back. Raises: Forbidden (somebody else's), NotFound, Conflict (decided, run out)."""
    current, _kind = _locked(change)
    if not isinstance(actor, UserActor) or current.proposed_by_id != actor.user_id:
        raise Forbidden("Only whoever proposed this can withdraw it.", code="forbidden.not_the_proposer")
    _decide(current, ProposedChange.State.WITHDRAWN, actor)
    publish(ChangeWithdrawn(change_id=current.pk, kind=current.kind, target_id=current.target_id))
    return current


def visible_changes(*, actor: Actor) -> QuerySet[ProposedChange]:
    """Changes one may see, the newest first: one's own, those one may agree to, all for who looks over access."""
    rows = ProposedChange.objects.select_related("proposed_by", "decided_by")
    if can(actor, "accounts.view_access"):
        return rows
    kinds = [kind.key for kind in all_kinds() if can(actor, kind.permission)]
    return rows.filter(Q(kind__in=kinds) | Q(proposed_by=actor.user_id)) if actor.user_id else rows.none()


def waiting_changes(*, actor: Actor) -> QuerySet[ProposedChange]:
    """Those of them that still wait for somebody."""
    return visible_changes(actor=actor).filter(state=ProposedChange.State.OPEN, expires_at__gt=timezone.now())


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


@atomic
def forget_expired_changes() -> int:
    """Close proposals that ran out, and forget what was to be kept secret of them; return how many it were."""
    old = ProposedChange.objects.select_for_update(of=("self",), skip_locked=True, no_key=True).filter(
        state=ProposedChange.State.OPEN, expires_at__lte=timezone.now()
    )
    rows = list(old[:500])
    for change in rows:
        _decide(change, ProposedChange.State.EXPIRED, None)
    return len(rows)


def _make_room(kind: ChangeKind, target_id: UUID | None, actor: UserActor, digest: str) -> None:
    same = ProposedChange.objects.select_for_update(of=("self",), no_key=True).filter(
        kind=kind.key, target_id=target_id, state=ProposedChange.State.OPEN
    )
    for other in same:
        if not other.is_open:
            _decide(other, ProposedChange.State.EXPIRED, None)
        elif other.fingerprint != digest:
            _decide(other, ProposedChange.State.STALE, None)
        elif other.proposed_by_id == actor.user_id:
            _decide(other, ProposedChange.State.WITHDRAWN, actor)
        else:
            raise Conflict(
                "A change of this waits for a second person already.", code="conflict.change_is_waiting"
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
    return actor


def _decide(
    change: ProposedChange, state: ProposedChange.State, by: UserActor | None, *, note: str = ""
) -> None:
    change.state, change.decided_by, change.decided_at = state, by.user if by else None, timezone.now()
    change.note = note
    # What was needed to carry it out is needed no more; what changed stays to be read.
    change.arguments = {}
    change.save(update_fields=["state", "decided_by", "decided_at", "note", "arguments"])
    delete_owners_secrets(owner_table=_TABLE, owner_id=change.pk)
    enqueue(LETTER_JOB, object_id=change.pk)
    log.info("change.decided", change_id=change.pk, kind=change.kind, state=state.value)


def _checked_text(text: str, field: str) -> str:
    text = text.strip()
    if len(text) > _MOST_TEXT:
        raise InvalidInput(fields={field: [f"At most {_MOST_TEXT} characters."]})
    return text
