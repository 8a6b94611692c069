"""Two people for one change: proposing it, and what waits.

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
from tenants.accounts.access.changes import ChangeKind, DiffLine, Json, all_kinds, fingerprint
from tenants.accounts.access.checks import can, require
from tenants.accounts.access.left_alone import LETTER_JOB, check_alone_long_enough
from tenants.accounts.access.second_person import others_who_could_agree, wants_two
from tenants.accounts.events import ChangeMadeAlone, ChangeProposed
from tenants.accounts.models import ProposedChange
from tenants.dispatch import enqueue
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.foundation.ids import uuid7
from tenants.outbox.bus import publish
from tenants.secrets.services import delete_owners_secrets, store_secret
from tenants.tenancy import atomic, wait_for_turn

log = structlog.get_logger(__name__)

VALID_FOR: Final = timedelta(days=7)
SECRETS_OF: Final = "accounts_proposedchange"
_MOST_TEXT: Final = 500


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

    Raises: Forbidden, what a step-up raises, InvalidInput (reason), Conflict (somebody else's waits already),
    AloneTooSoon (nobody else holds it, but somebody did until a moment ago).
    """
    require(actor, kind.permission)
    if isinstance(actor, SystemActor) or not wants_two(kind):
        return None
    wait_for_turn(f"accounts.change/{kind.key}/{target_id}")
    digest = fingerprint(kind, target_id)
    is_alone = not others_who_could_agree(kind, actor)
    if is_alone:
        check_alone_long_enough(kind.permission, actor)
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
        reason=checked_text(reason, "reason"),
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
            store_secret(name=name, owner_table=SECRETS_OF, owner_id=change.pk, value=value, actor=actor)
        publish(ChangeProposed(**about))
    enqueue(LETTER_JOB, object_id=change.pk)
    log.info("change.written_down", is_alone=is_alone, **about)
    return None if is_alone else change


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


@atomic
def forget_expired_changes() -> int:
    """Close proposals that ran out, and forget what was to be kept secret of them; return how many it were."""
    old = ProposedChange.objects.select_for_update(of=("self",), skip_locked=True, no_key=True).filter(
        state=ProposedChange.State.OPEN, expires_at__lte=timezone.now()
    )
    rows = list(old[:500])
    for change in rows:
        close_change(change, ProposedChange.State.EXPIRED, None)
    return len(rows)


def _make_room(kind: ChangeKind, target_id: UUID | None, actor: UserActor, digest: str) -> None:
    same = ProposedChange.objects.select_for_update(of=("self",), no_key=True).filter(
        kind=kind.key, target_id=target_id, state=ProposedChange.State.OPEN
    )
    for other in same:
        if not other.is_open:
            close_change(other, ProposedChange.State.EXPIRED, None)
        elif other.fingerprint != digest:
            close_change(other, ProposedChange.State.STALE, None)
        elif other.proposed_by_id == actor.user_id:
            close_change(other, ProposedChange.State.WITHDRAWN, actor)
        else:
            raise Conflict(
                "A change of this waits for a second person already.", code="conflict.change_is_waiting"
            )


def close_change(
    change: ProposedChange, state: ProposedChange.State, by: UserActor | None, *, note: str = ""
) -> None:
    """Give a proposal its end, forget what was to be kept secret of it, and have people told."""
    change.state, change.decided_by, change.decided_at = state, by.user if by else None, timezone.now()
    change.note = note
    # What was needed to carry it out is needed no more; what changed stays to be read.
    change.arguments = {}
    change.save(update_fields=["state", "decided_by", "decided_at", "note", "arguments"])
    delete_owners_secrets(owner_table=SECRETS_OF, owner_id=change.pk)
    enqueue(LETTER_JOB, object_id=change.pk)
    log.info("change.decided", change_id=change.pk, kind=change.kind, state=state.value)


def checked_text(text: str, field: str) -> str:
    """The words without blanks around them. Raises: InvalidInput (too long)."""
    text = text.strip()
    if len(text) > _MOST_TEXT:
        raise InvalidInput(fields={field: [f"At most {_MOST_TEXT} characters."]})
    return text
