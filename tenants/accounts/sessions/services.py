"""Sign-ins: noting them, ending them, and proving once more who one is."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone

from tenants.accounts.access import Actor, require
from tenants.accounts.models import User, UserSession
from tenants.accounts.networks import client_address
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

# Where a browser's session keeps the id of its row.
ROW_KEY: Final = "_sign_in"
MANAGE_SESSIONS: Final = "accounts.manage_sessions"
_AGENT_LENGTH: Final = 400


@atomic
def note_sign_in(
    *,
    session: SessionBase,
    user: User,
    method: str,
    second_factor: str,
    address: str,
    user_agent: str,
    host: str = "",
) -> UserSession:
    """Write a sign-in down and tie the browser's session to it; the one it was tied to before ends.

    ``host`` is the one it counts on, where the company is reached under several.
    """
    before = session.get(ROW_KEY)
    if before:
        UserSession.objects.filter(pk=before, ended_at=None).update(
            ended_at=timezone.now(), ended_because="signed_in_again"
        )
    now = timezone.now()
    row = UserSession.objects.create(
        user=user,
        method=method,
        second_factor=second_factor,
        host=host,
        ip_address=address or None,
        user_agent=user_agent[:_AGENT_LENGTH].replace("\0", ""),
        started_at=now,
        last_seen_at=now,
        proved_at=now,
    )
    session[ROW_KEY] = str(row.pk)
    log.info("sign_in.noted", user_id=user.pk, sign_in_id=row.pk, method=method, second_factor=second_factor)
    return row


@atomic
def end_sign_ins(user: User, *, because: str, but: UUID | None = None) -> int:
    """End all sign-ins of a user, except one if wanted; return how many it were. They never come back."""
    open_ones = UserSession.objects.filter(user=user, ended_at=None)
    if but is not None:
        open_ones = open_ones.exclude(pk=but)
    ended = open_ones.update(ended_at=timezone.now(), ended_because=because)
    if ended:
        log.info("sign_ins.ended", user_id=user.pk, count=ended, because=because)
    return ended


@atomic
def end_sign_ins_on(host: str, *, because: str) -> int:
    """End all sign-ins that count on a host, when it is the company's no more; return how many it were."""
    ended = UserSession.objects.filter(host=host, ended_at=None).update(
        ended_at=timezone.now(), ended_because=because
    )
    log.info("sign_ins.ended_on_host", host=host, count=ended, because=because)
    return ended


@atomic
def end_sign_ins_of(user_ids: Collection[UUID], *, because: str) -> int:
    """End all sign-ins of several people at once; return how many it were."""
    if not user_ids:
        return 0
    ended = UserSession.objects.filter(user__in=user_ids, ended_at=None).update(
        ended_at=timezone.now(), ended_because=because
    )
    if ended:
        log.info("sign_ins.ended", people=len(user_ids), count=ended, because=because)
    return ended


@atomic
def revoke_sign_in(*, sign_in: UserSession, actor: Actor) -> None:
    """End one sign-in: one's own, or anyone's for those who manage sessions. Raises: Forbidden."""
    _require_reach(actor, sign_in.user_id)
    ended = UserSession.objects.filter(pk=sign_in.pk, ended_at=None).update(
        ended_at=timezone.now(), ended_because="revoked"
    )
    if ended:
        log.info("sign_in.revoked", sign_in_id=sign_in.pk, user_id=sign_in.user_id, by=actor.user_id)


@atomic
def revoke_sign_ins(*, user: User, actor: Actor, but: UUID | None = None) -> int:
    """End all sign-ins of a user but one; return how many it were. Raises: Forbidden."""
    _require_reach(actor, user.pk)
    return end_sign_ins(user, because="revoked", but=but)


@atomic
def note_proof(sign_in_id: UUID) -> datetime:
    """Write down that the person has just proved again who they are; return when."""
    now = timezone.now()
    UserSession.objects.filter(pk=sign_in_id, ended_at=None).update(proved_at=now)
    return now


def sign_in_id_of(request: HttpRequest) -> UUID | None:
    """Return the id of the sign-in a request belongs to, None for a token's or nobody's."""
    standing = getattr(request, "standing", None)
    return standing.sign_in_id if standing is not None else None


def describe_request(request: HttpRequest) -> tuple[str, str]:
    """Return the address and the name of the browser a request comes from."""
    return client_address(request), request.headers.get("User-Agent", "")


def _require_reach(actor: Actor, user_id: UUID) -> None:
    if actor.user_id != user_id:
        require(actor, MANAGE_SESSIONS)
