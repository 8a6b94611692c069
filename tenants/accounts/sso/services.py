"""Setting providers up: by the company's own administrators, each change noted in the log."""

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from django.utils import timezone

from tenants.accounts.access import Actor, Role, require
from tenants.accounts.models import GroupRule, IdentityProvider, Passkey, User
from tenants.accounts.selectors import owners
from tenants.accounts.services import check_may_grant
from tenants.accounts.sso import sso_log
from tenants.accounts.sso.break_glass import BREAK_GLASS_OWNERS
from tenants.accounts.sso.posture import ENFORCEABLE
from tenants.accounts.sso.presets import PRESETS, issuer_of
from tenants.accounts.sso.provisioning import MAPPABLE_ROLES
from tenants.accounts.sso.saml.certificates import normal_certificate
from tenants.accounts.sso.saml.metadata import read_metadata
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.secrets.services import delete_secret, reveal_secret, store_secret
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

PERMISSION: Final = "accounts.manage_sso"
State = IdentityProvider.State
_OWNER_TABLE: Final = "accounts_identityprovider"
_MOST_PROVIDERS: Final = 10
_MOST_RULES: Final = 200
# What a tested set-up consists of: a change of any of these makes the test worthless.
_TESTED: Final = {
    "issuer", "sso_url", "slo_url", "certificates", "client_id", "organisation", "allows_idp_initiated",
    "email_attribute", "name_attribute", "groups_attribute",
}  # fmt: skip
_PLAIN: Final = _TESTED - {"issuer", "sso_url", "slo_url", "certificates"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChange:
    """What is to be changed; None leaves a value as it is. ``client_secret`` goes to the vault, never to the row."""

    values: dict[str, Any] = field(default_factory=dict)
    metadata: bytes | None = None
    metadata_url: str | None = None
    client_secret: str | None = None

    def __repr__(self) -> str:
        return f"ProviderChange({sorted(self.values)})"


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
        name=_name(name),
        preset=preset,
        kind=PRESETS[preset].kind,
        issuer=PRESETS[preset].issuer,
        created_by_id=actor.user_id,
    )
    _changed(provider, actor, "provider.created")
    return provider


@atomic
def change_provider(*, provider: IdentityProvider, change: ProviderChange, actor: Actor) -> IdentityProvider:
    """Change a set-up. One that people use keeps working with the new values at once, so it is said in the log.

    Raises: Forbidden, InvalidInput with the fields concerned, Conflict (enforced).
    """
    require(actor, PERMISSION)
    provider = _locked(provider)
    if provider.state == State.ENFORCED:
        msg = "Nobody else can sign in while this provider is enforced. Stop enforcing it first."
        raise Conflict(msg, code="conflict.enforced")
    before = {name: getattr(provider, name) for name in _TESTED}
    values = dict(change.values)
    if "name" in values:
        provider.name = _name(str(values.pop("name")))
    if "default_role" in values:
        provider.default_role = _role(str(values.pop("default_role")), actor)
    if "provisions_users" in values:
        provider.provisions_users = bool(values.pop("provisions_users"))
    if change.metadata is not None:
        found = read_metadata(change.metadata)
        provider.issuer, provider.sso_url, provider.slo_url = found.issuer, found.sso_url, found.slo_url
        provider.certificates = found.certificates
        provider.metadata_read_at = timezone.now()
        provider.metadata_url = change.metadata_url or ""
    _set_protocol_values(provider, values)
    if change.client_secret:
        provider.client_secret_id = store_secret(
            name="client_secret",
            owner_table=_OWNER_TABLE,
            owner_id=provider.pk,
            value=change.client_secret,
            actor=actor,
        ).pk
    _check_addresses(provider)
    if change.client_secret or any(getattr(provider, name) != old for name, old in before.items()):
        provider.revision += 1
    provider.save()
    _changed(provider, actor, "provider.changed")
    return provider


@atomic
def delete_provider(*, provider: IdentityProvider, actor: Actor) -> None:
    """Remove a provider; the accounts that came by it stay. Raises: Forbidden, Conflict (enforced)."""
    require(actor, PERMISSION)
    provider = _locked(provider)
    if provider.state == State.ENFORCED:
        raise Conflict("Stop enforcing it before you remove it.", code="conflict.enforced")
    if provider.client_secret_id:
        delete_secret(secret_id=provider.client_secret_id, actor=actor)
    sso_log.note(
        event="provider.deleted", outcome=sso_log.Outcome.CHANGED, detail=provider.name, user=_user(actor)
    )
    provider.delete()


@atomic
def set_state(*, provider: IdentityProvider, state: str, actor: Actor) -> IdentityProvider:
    """Move a set-up on: to its test mode, into use, to being the only way in, and back.

    Raises: Forbidden, InvalidInput, Conflict with what is missing.
    """
    require(actor, PERMISSION)
    if state not in State.values:
        raise InvalidInput("There is no such state.", fields={"state": ["Choose one of the list."]})
    provider = _locked(provider)
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
    provider.state = state
    provider.save(update_fields=["state", "updated_at"])
    _changed(provider, actor, f"provider.{state}")
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
def set_group_rules(*, provider: IdentityProvider, rules: dict[str, str], actor: Actor) -> list[GroupRule]:
    """Replace the rules: group name → role. They take hold at each person's next sign-in.

    Raises: Forbidden (a role above one's own), InvalidInput.
    """
    require(actor, PERMISSION)
    provider = _locked(provider)
    if len(rules) > _MOST_RULES:
        raise InvalidInput(f"At most {_MOST_RULES} rules.", fields={"rules": ["These are too many."]})
    wanted = {name.strip(): _role(role, actor) for name, role in rules.items() if name.strip()}
    if any(len(name) > 255 for name in wanted):
        raise InvalidInput("A group's name is too long.", fields={"rules": ["At most 255 characters."]})
    GroupRule.objects.filter(provider=provider).exclude(group_name__in=wanted).delete()
    kept = [
        GroupRule.objects.update_or_create(provider=provider, group_name=name, defaults={"role": role})[0]
        for name, role in sorted(wanted.items())
    ]
    _changed(provider, actor, "provider.rules_changed", detail=f"{len(kept)} rules")
    return kept


@atomic
def client_secret(provider: IdentityProvider) -> str:
    """The client secret in the clear, for the call that needs it. Raises: NotFound, CryptoError."""
    if provider.client_secret_id is None:
        raise NotFound("This provider has no client secret.", code="not_found.secret")
    return reveal_secret(provider.client_secret_id).reveal()


def _set_protocol_values(provider: IdentityProvider, values: dict[str, Any]) -> None:
    for name in ("sso_url", "slo_url"):
        if name in values and provider.kind == IdentityProvider.Kind.SAML:
            setattr(provider, name, str(values.pop(name)).strip())
    if "issuer" in values:
        provider.issuer = issuer_of(provider.preset, str(values.pop("issuer")).strip())
    if "certificates" in values and provider.kind == IdentityProvider.Kind.SAML:
        given = [normal_certificate(text) for text in values.pop("certificates") if str(text).strip()]
        if len(given) > 2:
            msg = "At most two certificates: the one in use and the next one."
            raise InvalidInput(msg, fields={"certificates": [msg]})
        provider.certificates = list(dict.fromkeys(given))
    for name in _PLAIN & set(values):
        value = values.pop(name)
        setattr(provider, name, value if isinstance(value, bool) else str(value).strip())
    if values:
        unknown = ", ".join(sorted(values))
        raise InvalidInput(
            f"This kind of provider has no {unknown}.", fields={name: ["Not here."] for name in values}
        )


def _check_addresses(provider: IdentityProvider) -> None:
    for name in ("sso_url", "slo_url"):
        text = getattr(provider, name)
        parts = urlsplit(text)
        # Loopback is for trials on one machine only; a browser goes there, never we.
        is_fine = parts.scheme == "https" or (
            parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}
        )
        if text and not (is_fine and parts.hostname and parts.username is None):
            msg = "This has to be an https address."
            raise InvalidInput(msg, fields={name: [msg], "metadata": [msg]})


def _role(role: str, actor: Actor) -> str:
    if role not in {each.value for each in MAPPABLE_ROLES}:
        msg = "Choose a role below owner: nobody becomes an owner because another system says so."
        raise InvalidInput(msg, fields={"role": [msg], "rules": [msg], "default_role": [msg]})
    check_may_grant(actor, Role(role))
    return role


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > 80 or not name.isprintable():
        msg = "Enter a name of at most 80 characters. People see it on the sign-in page."
        raise InvalidInput(msg, fields={"name": [msg]})
    return name


def _locked(provider: IdentityProvider) -> IdentityProvider:
    return IdentityProvider.objects.select_for_update().get(pk=provider.pk)


def _changed(provider: IdentityProvider, actor: Actor, event: str, detail: str = "") -> None:
    sso_log.note(
        event=event, outcome=sso_log.Outcome.CHANGED, provider=provider, user=_user(actor), detail=detail
    )


def _user(actor: Actor) -> User | None:
    return getattr(actor, "user", None)
