"""API tokens: made by a person for a program, shown once, good for what the person may do and no more."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from django.db.models import Q
from django.utils import timezone

from tenants.accounts.access import Actor, UserActor, can, require
from tenants.accounts.keyed_hashes import keyed_hash, matches, random_public_id, random_secret
from tenants.accounts.models import ApiToken
from tenants.accounts.selectors import actor_for
from tenants.accounts.tokens.format import read_token, write_token
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import Forbidden, InvalidInput
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.states import doors_of

log = structlog.get_logger(__name__)

MAX_DAYS: Final = 365
MAX_TOKENS_PER_USER: Final = 50
# One write a minute tells when a token was last used well enough.
_NOTE_USE_EVERY: Final = timedelta(seconds=60)
_PURPOSE: Final = "api-token"


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token's row and the token itself, which is seen here and never again."""

    row: ApiToken
    token: Secret


@atomic
def create_api_token(*, actor: Actor, name: str, scopes: Collection[str], days: int = 90) -> IssuedToken:
    """Make a token for the actor's own user.

    `scopes` are permission codes the actor holds; `days` is how long the token lives, 1 to 365.
    Raises: Forbidden (a scope the actor does not hold), InvalidInput.
    """
    require(actor, "accounts.use_api_tokens")
    if not isinstance(actor, UserActor):
        raise Forbidden("Only a person can make a token.")
    if not name.strip():
        raise InvalidInput("A token needs a name.", fields={"name": ["Say what the token is for."]})
    if not 1 <= days <= MAX_DAYS:
        msg = f"A token lives 1 to {MAX_DAYS} days."
        raise InvalidInput(msg, fields={"days": [msg]})
    if not scopes:
        msg = "Choose at least one permission."
        raise InvalidInput(msg, fields={"scopes": [msg]})
    foreign = sorted(code for code in set(scopes) if code not in actor.codes)
    if foreign:
        msg = f"You do not hold: {', '.join(foreign)}."
        raise Forbidden(msg, code="forbidden.scope_not_held", fields={"scopes": [msg]})
    if ApiToken.objects.filter(user=actor.user, revoked_at=None).count() >= MAX_TOKENS_PER_USER:
        raise InvalidInput(f"You have {MAX_TOKENS_PER_USER} tokens. Revoke some first.")
    public_id, secret = random_public_id(), random_secret()
    row = ApiToken.objects.create(
        user=actor.user,
        name=name.strip(),
        public_id=public_id,
        secret_hash=keyed_hash(_PURPOSE, secret),
        scopes=sorted(set(scopes)),
        expires_at=timezone.now() + timedelta(days=days),
    )
    log.info("api_token.created", api_token_id=row.pk, scopes=row.scopes)
    return IssuedToken(row, write_token(public_id, secret))


@atomic
def revoke_api_token(*, token: ApiToken, actor: Actor) -> ApiToken:
    """Make a token worthless: one's own, or anyone's for those who manage tokens. Raises: Forbidden."""
    if token.user_id != actor.user_id:
        require(actor, "accounts.manage_api_tokens", on=token)
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        log.info("api_token.revoked", api_token_id=token.pk)
    return token


@atomic
def actor_for_token(text: str) -> UserActor | None:
    """Return who a token speaks for, None for one that is malformed, unknown, expired or revoked.

    A token of another company is unknown here. Two queries, and at most one write a minute.
    """
    parsed = read_token(text)
    if parsed is None:
        return None
    row = ApiToken.objects.select_related("user").filter(public_id=parsed.public_id).first()
    # Compared even when there is no row: an unknown id must not answer faster than a wrong secret.
    stored = bytes(row.secret_hash) if row is not None else b"\0" * 32
    is_match = matches(stored, _PURPOSE, parsed.secret.reveal())
    if row is None or not is_match or not row.is_usable or not row.user.is_active:
        return None
    _note_use(row)
    return actor_for(row.user, token_id=row.pk, scopes=frozenset(row.scopes))


def may_revoke(token: ApiToken, actor: Actor) -> bool:
    """Say whether an actor may revoke a token."""
    return token.user_id == actor.user_id or can(actor, "accounts.manage_api_tokens", on=token)


def _note_use(row: ApiToken) -> None:
    now = timezone.now()
    is_due = row.last_used_at is None or row.last_used_at < now - _NOTE_USE_EVERY
    # Who may only read notes nothing: a company that is being moved must not be written to.
    if is_due and doors_of(current_tenant().state).writes:
        due = Q(last_used_at=None) | Q(last_used_at__lt=now - _NOTE_USE_EVERY)
        ApiToken.objects.filter(due, pk=row.pk).update(last_used_at=now)
