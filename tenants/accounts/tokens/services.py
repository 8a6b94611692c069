"""API tokens: made by a person for a program, shown once, good for what the person may do and no more."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from tenants.accounts.access import Actor, UserActor, can, require
from tenants.accounts.keyed_hashes import keyed_hash, matches, random_public_id, random_secret
from tenants.accounts.models import ApiToken, ServiceAccount, User
from tenants.accounts.networks import checked_networks, is_within
from tenants.accounts.selectors import actor_for
from tenants.accounts.sessions.policy import Rules, current_rules, rules_beside, rules_from
from tenants.accounts.sessions.proof import require_fresh_proof
from tenants.accounts.tokens.format import read_token, write_token
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.states import doors_of

log = structlog.get_logger(__name__)

MAX_DAYS: Final = 365
MAX_TOKENS_PER_USER: Final = 50
MAX_OVERLAP_HOURS: Final = 168
# One write a minute tells when a token was last used well enough.
_NOTE_USE_EVERY: Final = timedelta(seconds=60)
_PURPOSE: Final = "api-token"


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token's row and the token itself, which is seen here and never again."""

    row: ApiToken
    token: Secret


@atomic
def create_api_token(
    *,
    actor: Actor,
    name: str,
    scopes: Collection[str],
    days: int = 90,
    allowed_networks: Collection[str] = (),
) -> IssuedToken:
    """Make a token for the actor's own user.

    `scopes` are permission codes the actor holds; `days` is how long the token lives, 1 to what the company allows;
    `allowed_networks` are where it may be used from, anywhere when there are none.
    Raises: Forbidden (a scope the actor does not hold, a proof that is too old), InvalidInput.
    """
    require(actor, "accounts.use_api_tokens")
    if not isinstance(actor, UserActor) or actor.token_id is not None:
        raise Forbidden("Only a person can make a token.")
    require_fresh_proof()
    _check_held(scopes, actor.codes)
    return issue_token(
        user=actor.user, name=name, scopes=scopes, days=days, allowed_networks=allowed_networks
    )


@atomic
def issue_token(
    *,
    user: User,
    name: str,
    scopes: Collection[str],
    days: int,
    allowed_networks: Collection[str] = (),
    replaces: ApiToken | None = None,
) -> IssuedToken:
    """Write a token for a user; whoever calls has asked whether they may. Raises: InvalidInput."""
    longest = min(current_rules().token_max_days, MAX_DAYS)
    if not name.strip():
        raise InvalidInput("A token needs a name.", fields={"name": ["Say what the token is for."]})
    if not 1 <= days <= longest:
        msg = f"A token lives 1 to {longest} days."
        raise InvalidInput(msg, fields={"days": [msg]})
    if not scopes:
        msg = "Choose at least one permission."
        raise InvalidInput(msg, fields={"scopes": [msg]})
    networks = checked_networks(allowed_networks)
    if ApiToken.objects.filter(user=user, revoked_at=None).count() >= MAX_TOKENS_PER_USER:
        raise InvalidInput(f"There are {MAX_TOKENS_PER_USER} tokens already. Revoke some first.")
    public_id, secret = random_public_id(), random_secret()
    row = ApiToken.objects.create(
        user=user,
        name=name.strip(),
        public_id=public_id,
        secret_hash=keyed_hash(_PURPOSE, secret),
        scopes=sorted(set(scopes)),
        expires_at=timezone.now() + timedelta(days=days),
        environment=settings.TOKEN_ENVIRONMENT,
        allowed_networks=networks,
        replaces=replaces,
    )
    log.info("api_token.created", api_token_id=row.pk, scopes=row.scopes)
    return IssuedToken(row, write_token(public_id, secret, row.environment))


@atomic
def rotate_api_token(*, token: ApiToken, actor: Actor, overlap_hours: int = 24) -> IssuedToken:
    """Make a token in place of another, for the same and as long; the old one goes on for the overlap (0 to 168 h).

    Raises: Forbidden, Conflict (revoked, expired, or replaced already), InvalidInput.
    """
    if not isinstance(actor, UserActor) or actor.token_id is not None:
        raise Forbidden("Only a person can make a token.")
    require_fresh_proof()
    old = ApiToken.objects.select_for_update(of=("self",)).select_related("user").get(pk=token.pk)
    if old.user_id == actor.user_id:
        require(actor, "accounts.use_api_tokens")
        _check_held(old.scopes, actor.codes)
    else:
        require(actor, "accounts.manage_service_accounts", on=old)
        if not ServiceAccount.objects.filter(user=old.user).exists():
            raise Forbidden("People replace their own tokens.")
    if not 0 <= overlap_hours <= MAX_OVERLAP_HOURS:
        msg = f"Choose 0 to {MAX_OVERLAP_HOURS} hours."
        raise InvalidInput(msg, fields={"overlap_hours": [msg]})
    if not old.is_usable or old.replaced_by.exists():
        raise Conflict("This token has been replaced or does not work any more.", code="conflict.token_over")
    lived = max(1, min((old.expires_at - old.created_at).days, current_rules().token_max_days))
    issued = issue_token(
        user=old.user,
        name=old.name,
        scopes=old.scopes,
        days=lived,
        allowed_networks=old.allowed_networks,
        replaces=old,
    )
    old.expires_at = min(old.expires_at, timezone.now() + timedelta(hours=overlap_hours))
    old.save(update_fields=["expires_at"])
    log.info("api_token.rotated", api_token_id=old.pk, new_id=issued.row.pk, overlap_hours=overlap_hours)
    return issued


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
def actor_for_token(text: str, *, address: str | None = None) -> UserActor | None:
    """Return who a token speaks for, None for one that is malformed, unknown, expired, revoked or used elsewhere.

    `address` is where it is used from (None: inside the product). A token without networks of its own is held to the
    company's. A token of another company is unknown here. Two queries, and at most one write a minute.
    """
    parsed = read_token(text)
    if parsed is None:
        return None
    rows = ApiToken.objects.select_related("user").annotate(rules=rules_beside())
    row = rows.filter(public_id=parsed.public_id).first()
    # Compared even when there is no row: an unknown id must not answer faster than a wrong secret.
    stored = bytes(row.secret_hash) if row is not None else b"\0" * 32
    is_match = matches(stored, _PURPOSE, parsed.secret.reveal())
    if row is None or not is_match or row.environment != parsed.environment:
        return None
    return _actor_by(row, rules_from(row.rules), address)


@atomic
def actor_for_token_row(token_id: UUID, *, address: str) -> UserActor | None:
    """Return who a token that was shown a while ago speaks for now; None for one that works no more. Two queries."""
    rows = ApiToken.objects.select_related("user").annotate(rules=rules_beside())
    row = rows.filter(pk=token_id).first()
    return None if row is None else _actor_by(row, rules_from(row.rules), address)


def _actor_by(row: ApiToken, rules: Rules, address: str | None) -> UserActor | None:
    if not row.is_usable or not row.user.is_active:
        return None
    networks = row.allowed_networks or rules.allowed_networks
    if address is not None and not is_within(address, networks):
        log.info("api_token.foreign_network", api_token_id=row.pk)
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


def _check_held(scopes: Collection[str], held: Collection[str]) -> None:
    foreign = sorted(code for code in set(scopes) if code not in held)
    if foreign:
        msg = f"You do not hold: {', '.join(foreign)}."
        raise Forbidden(msg, code="forbidden.scope_not_held", fields={"scopes": [msg]})
