"""A company's rules for signing in: read with whatever is asked anyway, changed by those who manage security."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db.models import Subquery
from django.db.models.functions import JSONObject
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from tenants.accounts.access import Actor, Role, require
from tenants.accounts.models import AccessPolicy
from tenants.accounts.networks import checked_networks, is_within
from tenants.foundation.errors import InvalidInput
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

MANAGE: Final = "accounts.manage_sign_in"
EVERYBODY: Final = "*"
# Browsers keep the cookie this long at most (SESSION_COOKIE_AGE).
_BOUNDS: Final[Mapping[str, tuple[int, int, str]]] = {
    "idle_minutes": (5, 14 * 24 * 60, "minutes"),
    "absolute_hours": (1, 14 * 24, "hours"),
    "step_up_minutes": (1, 240, "minutes"),
    "mfa_grace_days": (0, 60, "days"),
    "token_max_days": (1, 365, "days"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules as values; these are the ones of a company that has said nothing."""

    allowed_networks: tuple[str, ...] = ()
    idle_minutes: int = 3 * 24 * 60
    absolute_hours: int = 14 * 24
    step_up_minutes: int = 15
    mfa_required_for: frozenset[str] = frozenset()
    mfa_required_since: datetime | None = None
    mfa_grace_days: int = 7
    token_max_days: int = 365

    @property
    def idle(self) -> timedelta:
        """How long a sign-in may rest."""
        return timedelta(minutes=self.idle_minutes)

    @property
    def absolute(self) -> timedelta:
        """How long a sign-in lasts at most."""
        return timedelta(hours=self.absolute_hours)

    @property
    def step_up(self) -> timedelta:
        """How long a proof of who one is counts for sensitive steps."""
        return timedelta(minutes=self.step_up_minutes)

    def requires_second_factor(self, roles: Collection[str]) -> bool:
        """Say whether somebody with these roles must have a second factor."""
        return EVERYBODY in self.mfa_required_for or not self.mfa_required_for.isdisjoint(roles)


def rules_beside() -> Subquery:
    """The company's rules as a JSON column beside another query: no query of their own."""
    names = [each.name for each in fields(Rules)]
    return Subquery(AccessPolicy.objects.values(json=JSONObject(**{name: name for name in names}))[:1])


def rules_from(value: Mapping[str, Any] | None) -> Rules:
    """Read what `rules_beside` brought; None means the company has said nothing."""
    if value is None:
        return Rules()
    since = value["mfa_required_since"]
    return Rules(
        **{
            **value,
            "allowed_networks": tuple(value["allowed_networks"]),
            "mfa_required_for": frozenset(value["mfa_required_for"]),
            "mfa_required_since": parse_datetime(since) if since else None,
        }
    )


@atomic
def current_rules() -> Rules:
    """Return the company's rules, in one query."""
    names = [each.name for each in fields(Rules)]
    row = AccessPolicy.objects.values(*names).first()
    if row is None:
        return Rules()
    return Rules(
        **{
            **row,
            "allowed_networks": tuple(row["allowed_networks"]),
            "mfa_required_for": frozenset(row["mfa_required_for"]),
        }
    )


@atomic
def change_rules(
    *,
    actor: Actor,
    address: str,
    allowed_networks: Collection[str],
    idle_minutes: int,
    absolute_hours: int,
    step_up_minutes: int,
    mfa_required_for: Collection[str],
    mfa_grace_days: int,
    token_max_days: int,
) -> Rules:
    """Save the rules; they hold from the next request of everybody on.

    `address` is where the actor asks from: a list of networks without it would shut them out and is refused.
    Raises: Forbidden, InvalidInput (a number out of bounds, no network, an unknown role, oneself shut out).
    """
    require(actor, MANAGE)
    numbers = {
        "idle_minutes": idle_minutes,
        "absolute_hours": absolute_hours,
        "step_up_minutes": step_up_minutes,
        "mfa_grace_days": mfa_grace_days,
        "token_max_days": token_max_days,
    }
    for name, value in numbers.items():
        _check_bounds(name, value)
    networks = checked_networks(allowed_networks)
    if not is_within(address, networks):
        msg = (
            f"Your own address ({address or 'unknown'}) is in none of these networks: you would be shut out."
        )
        raise InvalidInput(msg, code="invalid_input.shuts_oneself_out", fields={"allowed_networks": [msg]})
    required_for = sorted(set(mfa_required_for))
    unknown = [each for each in required_for if each != EVERYBODY and each not in Role.values]
    if unknown:
        msg = f"There is no role “{unknown[0][:40]}”."
        raise InvalidInput(msg, code="invalid_input.role", fields={"mfa_required_for": [msg]})
    AccessPolicy.objects.bulk_create([AccessPolicy()], ignore_conflicts=True)
    row = AccessPolicy.objects.select_for_update().get()
    # Who is newly asked gets the whole time from now on.
    if set(required_for) - set(row.mfa_required_for):
        row.mfa_required_since = timezone.now()
    if not required_for:
        row.mfa_required_since = None
    row.allowed_networks, row.mfa_required_for = networks, required_for
    for name, value in numbers.items():
        setattr(row, name, value)
    row.save()
    log.info(
        "access_policy.changed",
        by=str(actor.user_id or ""),
        networks=len(networks),
        mfa_required_for=required_for,
        **numbers,
    )
    return current_rules()


def _check_bounds(name: str, value: int) -> None:
    low, high, unit = _BOUNDS[name]
    if not low <= value <= high:
        msg = f"Choose {low} to {high} {unit}."
        raise InvalidInput(msg, code=f"invalid_input.{name}", fields={name: [msg]})
