"""The key of a directory: made once, shown once, replaced with an overlap, and held to networks and a rate."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from django.core.cache import cache
from django.db.models import Q
from django.utils import timezone
from scim2_models import PayloadTooLargeException

from tenants.accounts.access import Actor, Role, UserActor, codes_of, require
from tenants.accounts.access.granting import given_by, weighty_part
from tenants.accounts.access.holdings import NOTHING, Holding
from tenants.accounts.keyed_hashes import keyed_hash, matches, random_public_id, random_secret
from tenants.accounts.models import RoleBinding, ScimDirectory, ScimToken
from tenants.accounts.networks import checked_networks, is_within
from tenants.accounts.scim.permissions import MANAGE
from tenants.accounts.tokens.format import read_token, write_token
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, LimitReached
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.states import doors_of

log = structlog.get_logger(__name__)

MAX_DAYS: Final = 365
MAX_OVERLAP_HOURS: Final = 168
ENVIRONMENT: Final = "scim"
_PURPOSE: Final = "scim-token"
_NOTE_USE_EVERY: Final = timedelta(seconds=60)
_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class IssuedScimToken:
    """A key's row and the key itself, which is seen here and never again."""

    row: ScimToken
    token: Secret


@atomic
def issue_scim_token(
    *,
    directory: ScimDirectory,
    actor: Actor,
    days: int = MAX_DAYS,
    overlap_hours: int = 24,
    allowed_networks: Collection[str] = (),
) -> IssuedScimToken:
    """Make the directory's key; the one it had goes on for the overlap (0 to 168 h), older ones end now.

    Raises: Forbidden (also where the directory gives more than one holds), InvalidInput (days, hours, networks).
    """
    require(actor, MANAGE)
    if (
        isinstance(actor, UserActor)
        and actor.token_id is not None
        and MANAGE not in (actor.token_scopes or ())
    ):
        raise Forbidden("This token cannot make keys of directories.")
    _check_may_hold(directory, actor)
    if not 1 <= days <= MAX_DAYS:
        msg = f"A key lives 1 to {MAX_DAYS} days."
        raise InvalidInput(msg, fields={"days": [msg]})
    if not 0 <= overlap_hours <= MAX_OVERLAP_HOURS:
        msg = f"Choose 0 to {MAX_OVERLAP_HOURS} hours."
        raise InvalidInput(msg, fields={"overlap_hours": [msg]})
    networks = checked_networks(allowed_networks)
    now = timezone.now()
    ScimDirectory.objects.select_for_update(no_key=True).get(pk=directory.pk)
    usable = list(ScimToken.objects.filter(directory=directory, revoked_at=None, expires_at__gt=now))
    for number, row in enumerate(usable):
        last = now + timedelta(hours=overlap_hours)
        # Two are good at once, never three.
        row.expires_at = min(row.expires_at, last) if number == 0 else now
        row.save(update_fields=["expires_at"])
    public_id, secret = random_public_id(), random_secret()
    made = ScimToken.objects.create(
        directory=directory,
        public_id=public_id,
        secret_hash=keyed_hash(_PURPOSE, secret),
        allowed_networks=networks,
        expires_at=now + timedelta(days=days),
        created_by_id=actor.user_id,
    )
    log.info("scim_token.issued", scim_token_id=made.pk, directory_id=directory.pk, by=actor.user_id)
    return IssuedScimToken(made, write_token(public_id, secret, ENVIRONMENT))


def _check_may_hold(directory: ScimDirectory, actor: Actor) -> None:
    """Let only those make a key who hold what the directory gives: with it anybody is put into its groups.

    Everyday work does not count: whoever looks after security makes keys, but none that makes administrators.
    Raises: Forbidden.
    """
    if not isinstance(actor, UserActor):
        return
    given = Holding(codes_of(Role(directory.default_role))) if directory.default_role else NOTHING
    of_groups = RoleBinding.objects.filter(group__scim__directory=directory).select_related("custom_role")
    for binding in of_groups:
        given |= given_by(binding)
    if not actor.own_holding.covers(weighty_part(given.without("platform."))):
        raise Forbidden(
            "This directory gives roles above yours: somebody who holds them makes its key.",
            code="forbidden.role_above_own",
        )


@atomic
def revoke_scim_token(*, token: ScimToken, actor: Actor) -> None:
    """Make a key worthless at once. Raises: Forbidden, Conflict (it is over already)."""
    require(actor, MANAGE)
    now = timezone.now()
    if not ScimToken.objects.filter(pk=token.pk, revoked_at=None, expires_at__gt=now).update(revoked_at=now):
        raise Conflict("This key does not work any more as it is.", code="conflict.token_over")
    log.info("scim_token.revoked", scim_token_id=token.pk, by=actor.user_id)


@atomic
def directory_of_token(text: str, *, address: str) -> ScimDirectory | None:
    """Return the directory a key belongs to, None for one that is malformed, unknown, over or used elsewhere.

    A key of another company is unknown here. One query, and at most two writes a minute.
    """
    parsed = read_token(text)
    if parsed is None or parsed.environment != ENVIRONMENT:
        return None
    row = ScimToken.objects.select_related("directory").filter(public_id=parsed.public_id).first()
    # Compared even when there is no row: an unknown id must not answer faster than a wrong secret.
    stored = bytes(row.secret_hash) if row is not None else b"\0" * 32
    is_match = matches(stored, _PURPOSE, parsed.secret.reveal())
    if row is None or not is_match or not row.is_usable or not row.directory.is_enabled:
        return None
    if not is_within(address, row.allowed_networks):
        log.info("scim_token.foreign_network", scim_token_id=row.pk)
        return None
    _note_use(row)
    return row.directory


def spend(directory: ScimDirectory, operations: int = 1) -> None:
    """Count what a directory asks for against its minute.

    Raises: LimitReached, PayloadTooLargeException (more than a whole minute holds: waiting would not help).
    """
    if operations >= directory.requests_per_minute and operations > 1:
        raise PayloadTooLargeException(
            detail=f"This message counts for {operations + 1} requests, and {directory.requests_per_minute} a minute "
            "are this directory's most. Send it in parts."
        )
    now = timezone.now()
    key = f"scim-rate:{directory.pk}:{now:%H%M}"
    cache.add(key, 0, timeout=2 * _MINUTE)
    try:
        spent = int(cache.incr(key, operations))
    except ValueError:  # it ran out in between
        return
    if spent > directory.requests_per_minute:
        if operations > 1:
            # Nothing of it is done: what is smaller still fits into the minute.
            cache.decr(key, operations)
        raise LimitReached(
            "Too many requests of this directory. Please wait.",
            code="limit_reached.scim",
            retry_after_seconds=_MINUTE - now.second,
        )


def _note_use(row: ScimToken) -> None:
    now = timezone.now()
    is_due = row.last_used_at is None or row.last_used_at < now - _NOTE_USE_EVERY
    # Who may only read notes nothing: a company that is being moved must not be written to.
    if is_due and doors_of(current_tenant().state).writes:
        due = Q(last_used_at=None) | Q(last_used_at__lt=now - _NOTE_USE_EVERY)
        if ScimToken.objects.filter(due, pk=row.pk).update(last_used_at=now):
            ScimDirectory.objects.filter(pk=row.directory_id).update(last_seen_at=now)
