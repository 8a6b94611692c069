"""Setting providers up: by the company's own administrators, each change noted in the log."""

from typing import Final, cast

import structlog
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access import Actor, require
from tenants.accounts.access.changes import Approved, ChangeKind, DiffLine, Json, Subject, register_change
from tenants.accounts.access.proposals import hold_for_second_person
from tenants.accounts.access.second_person import check_may_alone
from tenants.accounts.models import GroupRule, IdentityProvider, Passkey, ProposedChange, User
from tenants.accounts.selectors import owners
from tenants.accounts.sso import sso_log
from tenants.accounts.sso.break_glass import BREAK_GLASS_OWNERS
from tenants.accounts.sso.changing import ProviderChange as ProviderChange
from tenants.accounts.sso.changing import change_provider as change_provider
from tenants.accounts.sso.changing import checked_name, checked_role, locked, state_of_provider
from tenants.accounts.sso.posture import ENFORCEABLE
from tenants.accounts.sso.presets import PRESETS
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.secrets.services import delete_secret, reveal_secret
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

PERMISSION: Final = "accounts.manage_sso"
State = IdentityProvider.State
_MOST_PROVIDERS: Final = 10
_MOST_RULES: Final = 200


@atomic
def create_provider(*, preset: str, name: str, actor: Actor) -> IdentityProvider:
    """Begin a set-up as a draft. Raises: Forbidden, InvalidInput, Conflict (too many)."""
    require(actor, PERMISSION)
    if preset not in PRESETS:
        raise InvalidInput(
            "There is no such kind of provider.", fields={"preset": ["Choose one of the list."]}
        )
    if IdentityProvider.objects.count() >= _MOST_PROVIDERS:
        raise Conflict(f"A company has at most {_MOST_PROVIDERS} providers.", code="conflict.many_providers")
    provider = IdentityProvider.objects.create(
        name=checked_name(name),
        preset=preset,
        kind=PRESETS[preset].kind,
        issuer=PRESETS[preset].issuer,
        created_by_id=actor.user_id,
    )
    _changed(provider, actor, "provider.created")
    return provider


@atomic
def delete_provider(*, provider: IdentityProvider, actor: Actor) -> None:
    """Remove a provider; the accounts that came by it stay. Raises: Forbidden, Conflict (enforced)."""
    require(actor, PERMISSION)
    provider = locked(provider)
    if provider.state == State.ENFORCED:
        raise Conflict("Stop enforcing it before you remove it.", code="conflict.enforced")
    if provider.client_secret_id:
        delete_secret(secret_id=provider.client_secret_id, actor=actor)
    sso_log.note(
        event="provider.deleted", outcome=sso_log.Outcome.CHANGED, detail=provider.name, user=_user(actor),
        is_told=provider.is_offered,
    )  # fmt: skip
    provider.delete()


@atomic
def set_state(*, provider: IdentityProvider, state: str, actor: Actor) -> IdentityProvider:
    """Move a set-up on: to its test mode, into use, to being the only way in, and back from use.

    Raises: Forbidden, InvalidInput, Conflict with what is missing (enforced: end that first), SecondPersonNeeded
    (into use, see `switch_on`).
    """
    require(actor, PERMISSION)
    provider = _checked_move(provider, state)
    if state == State.ACTIVE and not provider.is_offered:
        check_may_alone(SWITCH_ON, actor)
    is_told = provider.is_offered or state in {State.ACTIVE, State.ENFORCED}
    return _move(provider, State(state), actor, is_told=is_told)


@atomic
def switch_on(
    *, provider: IdentityProvider, actor: Actor, reason: str = ""
) -> IdentityProvider | ProposedChange:
    """Let people sign in by a tested provider; where the company wants two people for it, return what waits.

    From then on the provider says who somebody is: it could be switched off, pointed elsewhere and switched on again
    by one person if this were not held to the same as changing it in use.
    Raises: as `set_state`, Conflict (somebody else's change waits).
    """
    require(actor, PERMISSION)
    provider = _checked_move(provider, State.ACTIVE)
    if provider.is_offered:
        return provider
    waiting = hold_for_second_person(
        kind=SWITCH_ON, actor=actor, target_id=provider.pk, target_name=provider.name, arguments={},
        diff=[DiffLine("state", str(provider.state), "active"), *_said_of(provider)], reason=reason,
    )  # fmt: skip
    return waiting or _move(provider, State.ACTIVE, actor, is_told=True)


def _checked_move(provider: IdentityProvider, state: str) -> IdentityProvider:
    """The row, locked, if it can go into a state. Raises: as `set_state`."""
    if state not in State.values:
        raise InvalidInput("There is no such state.", fields={"state": ["Choose one of the list."]})
    provider = locked(provider)
    if provider.state == State.ENFORCED and state != State.ENFORCED:
        raise Conflict("Stop enforcing it first.", code="conflict.enforced")
    if state != State.DRAFT:
        missing = what_is_missing(provider)
        if missing:
            raise Conflict(" ".join(missing), code="conflict.incomplete")
    if state in {State.ACTIVE, State.ENFORCED} and not provider.is_tested:
        msg = "Test the sign-in first: nobody has got through with the set-up as it is now."
        raise Conflict(msg, code="conflict.untested")
    if state == State.ENFORCED:
        obstacles = what_stops_enforcing(provider)
        if obstacles:
            raise Conflict(" ".join(obstacles), code="conflict.not_enforceable")
    return provider


@atomic
def stop_enforcing(
    *, provider: IdentityProvider, actor: Actor, reason: str = ""
) -> IdentityProvider | ProposedChange:
    """Let passwords count again; where the company wants two people for it, return the change that waits.

    Raises: Forbidden, Conflict (not enforced, or somebody else's change waits).
    """
    require(actor, PERMISSION)
    provider = locked(provider)
    if provider.state != State.ENFORCED:
        raise Conflict("This provider is not enforced.", code="conflict.not_enforced")
    waiting = hold_for_second_person(
        kind=STOP_ENFORCING, actor=actor, target_id=provider.pk, target_name=provider.name, arguments={},
        diff=[DiffLine("state", "enforced", "active")], reason=reason,
    )  # fmt: skip
    return waiting or _move(provider, State.ACTIVE, actor, is_told=True)


def _move(
    provider: IdentityProvider, state: IdentityProvider.State, actor: Actor, *, is_told: bool
) -> IdentityProvider:
    provider.state = state
    provider.save(update_fields=["state", "updated_at"])
    _changed(provider, actor, f"provider.{state}", is_told=is_told)
    return provider


def what_is_missing(provider: IdentityProvider) -> list[str]:
    """What the set-up lacks before anybody can try it."""
    lacks = []
    if provider.kind == IdentityProvider.Kind.SAML:
        if not (provider.issuer and provider.sso_url and provider.certificates):
            lacks.append("Give the metadata of the provider.")
        return lacks
    if not provider.client_id:
        lacks.append("Give the client ID.")
    if not provider.client_secret_id:
        lacks.append("Give the client secret.")
    if provider.kind == IdentityProvider.Kind.OIDC and not provider.issuer:
        lacks.append("Give the issuer.")
    if provider.kind == IdentityProvider.Kind.GITHUB and not provider.organisation:
        lacks.append("Give the organisation whose members may come in.")
    return lacks


def what_stops_enforcing(provider: IdentityProvider) -> list[str]:
    """What has to be done before it may become the only way in."""
    stops = []
    if provider.state not in {State.ACTIVE, State.ENFORCED}:
        stops.append("Switch the provider on first.")
    if not provider.is_tested or provider.test_grade not in ENFORCEABLE:
        stops.append("The last test has to reach grade A or B.")
    named = owners().filter(user__break_glass__isnull=False).values("user").distinct()
    if named.count() < BREAK_GLASS_OWNERS:
        stops.append("Name two owners who may still come in when the provider is down.")
    elif Passkey.objects.filter(user__in=named).values("user").distinct().count() < BREAK_GLASS_OWNERS:
        stops.append("Both emergency owners need a passkey: they add it at Settings, My sign-in.")
    return stops


@atomic
def set_group_rules(
    *, provider: IdentityProvider, rules: dict[str, str], actor: Actor, reason: str = ""
) -> list[GroupRule] | ProposedChange:
    """Replace the rules: group name → role. They take hold at each person's next sign-in.

    Those of a provider in use may wait for a second person: then the change that waits is returned.
    Raises: Forbidden (a role above one's own), InvalidInput, Conflict (somebody else's change waits).
    """
    require(actor, PERMISSION)
    provider = locked(provider)
    if len(rules) > _MOST_RULES:
        raise InvalidInput(f"At most {_MOST_RULES} rules.", fields={"rules": ["These are too many."]})
    wanted = {name.strip(): checked_role(role, actor) for name, role in rules.items() if name.strip()}
    if any(len(name) > 255 for name in wanted):
        raise InvalidInput("A group's name is too long.", fields={"rules": ["At most 255 characters."]})
    before = {rule.group_name: rule.role for rule in provider.group_rules.all()}
    if provider.is_offered and wanted != before:
        waiting = hold_for_second_person(
            kind=CHANGE_RULES, actor=actor, target_id=provider.pk, target_name=provider.name, reason=reason,
            arguments={"rules": cast(Json, wanted)},
            diff=[
                DiffLine(name, before.get(name, "—"), wanted.get(name, "—"))
                for name in sorted({*before, *wanted})
                if before.get(name) != wanted.get(name)
            ],
        )  # fmt: skip
        if waiting is not None:
            return waiting
    return _save_rules(provider, wanted, actor)


def _save_rules(provider: IdentityProvider, wanted: dict[str, str], actor: Actor) -> list[GroupRule]:
    GroupRule.objects.filter(provider=provider).exclude(group_name__in=wanted).delete()
    kept = [
        GroupRule.objects.update_or_create(provider=provider, group_name=name, defaults={"role": role})[0]
        for name, role in sorted(wanted.items())
    ]
    told = ", ".join(f"{rule.group_name} = {rule.role}" for rule in kept) or "No rules."
    _changed(provider, actor, "provider.rules_changed", detail=told, is_told=provider.is_offered)
    return kept


@atomic
def client_secret(provider: IdentityProvider) -> str:
    """The client secret in the clear, for the call that needs it. Raises: NotFound, CryptoError."""
    if provider.client_secret_id is None:
        raise NotFound("This provider has no client secret.", code="not_found.secret")
    return reveal_secret(provider.client_secret_id).reveal()


def _apply_rules(approved: Approved) -> None:
    provider = locked(IdentityProvider(pk=approved.target_id))
    rules = cast(dict[str, str], approved.arguments["rules"])
    # What the one who proposed may give is looked at again.
    wanted = {name: checked_role(role, approved.proposer) for name, role in rules.items()}
    _save_rules(provider, wanted, approved.proposer)


def _apply_switch_on(approved: Approved) -> None:
    provider = _checked_move(IdentityProvider(pk=approved.target_id), State.ACTIVE)
    _move(provider, State.ACTIVE, approved.proposer, is_told=True)


def _said_of(provider: IdentityProvider) -> list[DiffLine]:
    """Whom it asks, and what it gives: what the second person has to look at."""
    said = {"issuer": provider.issuer, "sso_url": provider.sso_url, "client_id": provider.client_id}
    if provider.provisions_users:
        said["default_role"] = provider.default_role
    rules = {f"group {rule.group_name}": rule.role for rule in provider.group_rules.all()}
    return [DiffLine(name, "—", value) for name, value in {**said, **rules}.items() if value]


def _apply_stop(approved: Approved) -> None:
    provider = locked(IdentityProvider(pk=approved.target_id))
    _move(provider, State.ACTIVE, approved.proposer, is_told=True)


def _changed(
    provider: IdentityProvider, actor: Actor, event: str, detail: str = "", *, is_told: bool = False
) -> None:
    sso_log.note(
        event=event, outcome=sso_log.Outcome.CHANGED, provider=provider, user=_user(actor), detail=detail,
        is_told=is_told,
    )  # fmt: skip


def _user(actor: Actor) -> User | None:
    return getattr(actor, "user", None)


CHANGE_RULES: Final = register_change(
    ChangeKind(
        key="sso.change_rules",
        label=_("Change which groups get which roles"),
        permission=PERMISSION,
        subject=Subject.IDENTITY_PROVIDERS,
        apply=_apply_rules,
        state_of=state_of_provider,
    )
)
SWITCH_ON: Final = register_change(
    ChangeKind(
        key="sso.switch_on",
        label=_("Let people sign in by an identity provider"),
        permission=PERMISSION,
        subject=Subject.IDENTITY_PROVIDERS,
        apply=_apply_switch_on,
        state_of=state_of_provider,
    )
)
STOP_ENFORCING: Final = register_change(
    ChangeKind(
        key="sso.stop_enforcing",
        label=_("End enforced single sign-on"),
        permission=PERMISSION,
        subject=Subject.SSO_ENFORCEMENT,
        apply=_apply_stop,
        state_of=state_of_provider,
    )
)
