"""A company's rules for signing in: read with whatever is asked anyway, changed by those who manage security."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, cast
from uuid import UUID

import structlog
from django.db.models import Subquery
from django.db.models.functions import JSONObject
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access import Actor, Role, require
from tenants.accounts.access.changes import (
    DEFAULT_SUBJECTS,
    Approved,
    ChangeKind,
    DiffLine,
    Json,
    Subject,
    register_change,
)
from tenants.accounts.access.proposals import hold_for_second_person
from tenants.accounts.models import AccessPolicy, ProposedChange
from tenants.accounts.networks import checked_networks, is_within
from tenants.accounts.sessions.loosening import LABELS, loosened
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.tenancy import atomic, wait_for_turn

log = structlog.get_logger(__name__)

MANAGE: Final = "accounts.manage_sign_in"
EVERYBODY: Final = "*"
_TURN: Final = "accounts.sign_in_rules"
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
    two_people_for: frozenset[str] = frozenset(DEFAULT_SUBJECTS)
    # Who may sign in by a link in a letter: nobody, guests, or everybody who may do nothing sensitive.
    link_sign_in: str = AccessPolicy.LinkSignIn.GUESTS.value

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

    @property
    def mark(self) -> str:
        """A short text that is another one once any rule is."""
        values = [f"{each.name}={_plain(getattr(self, each.name))}" for each in fields(self)]
        return blake2b("\n".join(values).encode(), digest_size=12).hexdigest()

    def requires_second_factor(self, roles: Collection[str]) -> bool:
        """Say whether somebody with these roles must have a second factor."""
        return EVERYBODY in self.mfa_required_for or not self.mfa_required_for.isdisjoint(roles)


def _plain(value: object) -> str:
    return str(sorted(value) if isinstance(value, frozenset) else value)


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
            "two_people_for": frozenset(value["two_people_for"]),
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
            "two_people_for": frozenset(row["two_people_for"]),
        }
    )


@atomic
def change_rules(
    *,
    actor: Actor,
    address: str,
    allowed_networks: Collection[str] | None = None,
    idle_minutes: int | None = None,
    absolute_hours: int | None = None,
    step_up_minutes: int | None = None,
    mfa_required_for: Collection[str] | None = None,
    mfa_grace_days: int | None = None,
    token_max_days: int | None = None,
    two_people_for: Collection[str] | None = None,
    link_sign_in: str | None = None,
    reason: str = "",
    seen: str = "",
) -> Rules | ProposedChange:
    """Save the rules; they hold from the next request of everybody on. None leaves a rule as it is.

    Looser rules may have to wait for a second person: then what is returned is the change that waits.
    `address` is where the actor asks from: a list of networks without it would shut them out and is refused.
    `seen` is the `mark` of the rules the actor looked at: what others changed since is not overwritten.
    Raises: Forbidden, InvalidInput (a number out of bounds, no network, an unknown role or choice, oneself shut out),
    Conflict (somebody else's change waits, or was made since).
    """
    require(actor, MANAGE)
    # What is left as it is must not be what somebody else is just changing.
    wait_for_turn(_TURN)
    before = current_rules()
    if seen and seen != before.mark:
        raise Conflict(
            "Somebody else has changed the rules since you opened this page. Open it again to see them.",
            code="conflict.rules_changed",
        )
    given = {
        "idle_minutes": idle_minutes,
        "absolute_hours": absolute_hours,
        "step_up_minutes": step_up_minutes,
        "mfa_grace_days": mfa_grace_days,
        "token_max_days": token_max_days,
    }
    numbers = {name: getattr(before, name) if value is None else value for name, value in given.items()}
    for name, value in numbers.items():
        _check_bounds(name, value)
    networks = checked_networks(before.allowed_networks if allowed_networks is None else allowed_networks)
    if not is_within(address, networks):
        msg = (
            f"Your own address ({address or 'unknown'}) is in none of these networks: you would be shut out."
        )
        raise InvalidInput(msg, code="invalid_input.shuts_oneself_out", fields={"allowed_networks": [msg]})
    wanted_for = before.mfa_required_for if mfa_required_for is None else mfa_required_for
    required_for = _known("mfa_required_for", wanted_for, {EVERYBODY, *Role.values}, "role")
    subjects = (
        sorted(before.two_people_for)
        if two_people_for is None
        else _known("two_people_for", two_people_for, set(Subject.values), "kind of change")
    )
    by_link = before.link_sign_in if link_sign_in is None else _known_choice(link_sign_in)
    values: dict[str, Json] = {
        **numbers, "allowed_networks": list(networks), "mfa_required_for": list(required_for),
        "two_people_for": list(subjects), "link_sign_in": by_link,
    }  # fmt: skip
    looser = loosened(before, values)
    if looser:
        is_about_two = any(line.field == "two_people_for" for line in looser)
        waiting = hold_for_second_person(
            kind=FEWER_PEOPLE if is_about_two else LOOSER_RULES,
            actor=actor,
            arguments=values,
            diff=[DiffLine(str(LABELS[line.field]), line.before, line.after) for line in looser],
            reason=reason,
        )
        if waiting is not None:
            return waiting
    return _save(values, by=actor.user_id)


def _save(values: Mapping[str, Json], *, by: UUID | None) -> Rules:
    AccessPolicy.objects.bulk_create([AccessPolicy()], ignore_conflicts=True)
    row = AccessPolicy.objects.select_for_update().get()
    required_for = cast(list[str], values["mfa_required_for"])
    # Who is newly asked gets the whole time from now on.
    if set(required_for) - set(row.mfa_required_for):
        row.mfa_required_since = timezone.now()
    if not required_for:
        row.mfa_required_since = None
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    log.info("access_policy.changed", by=str(by or ""), **values)
    return current_rules()


def _apply(approved: Approved) -> None:
    _save(approved.arguments, by=approved.proposer.user_id)


def _state(_target_id: UUID | None) -> Json:
    """The rules as they are, locked; a company that has said nothing has said so."""
    # The row may not be there yet: whoever makes it waits here.
    wait_for_turn(_TURN)
    row = AccessPolicy.objects.select_for_update().values(*_VALUES).first()
    return {name: row[name] for name in _VALUES} if row else {}


def _known(field: str, chosen: Collection[str], known: Collection[str], word: str) -> list[str]:
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        msg = f"There is no {word} “{unknown[0][:40]}”."
        raise InvalidInput(msg, code="invalid_input.role", fields={field: [msg]})
    return sorted(set(chosen))


def _known_choice(who: str) -> str:
    if who not in AccessPolicy.LinkSignIn.values:
        msg = "There is no such choice."
        raise InvalidInput(msg, fields={"link_sign_in": [msg]})
    return who


def _check_bounds(name: str, value: int) -> None:
    low, high, unit = _BOUNDS[name]
    if not low <= value <= high:
        msg = f"Choose {low} to {high} {unit}."
        raise InvalidInput(msg, code=f"invalid_input.{name}", fields={name: [msg]})


_VALUES: Final = (*_BOUNDS, "allowed_networks", "mfa_required_for", "two_people_for", "link_sign_in")
LOOSER_RULES: Final = register_change(
    ChangeKind(
        key="sign_in_rules.loosen",
        label=_("Looser rules for signing in"),
        permission=MANAGE,
        subject=Subject.SIGN_IN_RULES,
        apply=_apply,
        state_of=_state,
    )
)
# Who could switch two people off alone would not need a second one for anything.
FEWER_PEOPLE: Final = register_change(
    ChangeKind(
        key="sign_in_rules.fewer_people",
        label=_("Two people for fewer kinds of changes"),
        permission=MANAGE,
        subject=None,
        apply=_apply,
        state_of=_state,
    )
)
