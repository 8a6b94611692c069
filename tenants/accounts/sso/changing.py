"""Changing a set-up: one that people use waits for a second person, and everybody who looks after it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import urlsplit

import structlog
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access import Actor, Role, require
from tenants.accounts.access.changes import Approved, ChangeKind, DiffLine, Json, Subject, register_change
from tenants.accounts.access.proposals import hold_for_second_person
from tenants.accounts.models import IdentityProvider, ProposedChange
from tenants.accounts.services import check_may_grant
from tenants.accounts.sso import sso_log
from tenants.accounts.sso.presets import issuer_of
from tenants.accounts.sso.provisioning import MAPPABLE_ROLES
from tenants.accounts.sso.saml.certificates import facts_of, normal_certificate
from tenants.accounts.sso.saml.metadata import read_metadata
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.secrets.services import store_secret
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

PERMISSION: Final = "accounts.manage_sso"
State = IdentityProvider.State
OWNER_TABLE: Final = "accounts_identityprovider"
_SECRET: Final = "client_secret"  # noqa: S105 - a name
METADATA: Final = ("issuer", "sso_url", "slo_url", "certificates")
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


# All that can be changed of one: what the second person is shown, and what a proposal is held to.
_WATCHED: Final = tuple(sorted(_TESTED | {"name", "provisions_users", "default_role", "metadata_url"}))


@atomic
def change_provider(
    *, provider: IdentityProvider, change: ProviderChange, actor: Actor, reason: str = ""
) -> IdentityProvider | ProposedChange:
    """Change a set-up. One that people use may wait for a second person: then the change that waits is returned.

    Raises: Forbidden, InvalidInput with the fields concerned, Conflict (enforced; somebody else's change waits).
    """
    require(actor, PERMISSION)
    current = locked(provider)
    before = _values_of(current)
    values, url = _asked(change)
    wanted = _set(current, values, url, actor)
    diff = _differences(before, _values_of(wanted), is_secret_new=bool(change.client_secret))
    if wanted.state == State.ENFORCED and {line.field for line in diff} - {"certificates"}:
        msg = "Nobody else can sign in while this provider is enforced. Stop enforcing it first."
        raise Conflict(msg, code="conflict.enforced")
    if wanted.is_offered and diff:
        waiting = hold_for_second_person(
            kind=CHANGE_PROVIDER,
            actor=actor,
            target_id=wanted.pk,
            target_name=wanted.name,
            arguments={"values": cast(Json, values), "metadata_url": url},
            secrets={_SECRET: change.client_secret} if change.client_secret else {},
            diff=diff,
            reason=reason,
        )
        if waiting is not None:
            return waiting
    return _save(wanted, diff, actor, client_secret=change.client_secret)


def locked(provider: IdentityProvider) -> IdentityProvider:
    """The row as it stands, locked. Raises: IdentityProvider.DoesNotExist."""
    return IdentityProvider.objects.select_for_update(of=("self",), no_key=True).get(pk=provider.pk)


def state_of_provider(target_id: Any) -> Json:
    """The whole set-up, locked: a proposal is void when any of it has changed since."""
    row = IdentityProvider.objects.select_for_update(of=("self",), no_key=True).filter(pk=target_id).first()
    if row is None:
        return None
    rules = {rule.group_name: rule.role for rule in row.group_rules.all()}
    return {**_values_of(row), "revision": row.revision, "state": row.state, "rules": cast(Json, rules)}


def _asked(change: ProviderChange) -> tuple[dict[str, Any], str | None]:
    """What is to be set, with the metadata read already; the address of the metadata where it changes."""
    if change.metadata is None:
        return dict(change.values), None
    found = read_metadata(change.metadata)
    read = {name: getattr(found, name) for name in METADATA}
    return {**read, **change.values}, change.metadata_url or ""


def _set(
    provider: IdentityProvider, asked: Mapping[str, Any], url: str | None, actor: Actor
) -> IdentityProvider:
    values = dict(asked)
    if "name" in values:
        provider.name = checked_name(str(values.pop("name")))
    if "default_role" in values:
        provider.default_role = checked_role(str(values.pop("default_role")), actor)
    if "provisions_users" in values:
        provider.provisions_users = bool(values.pop("provisions_users"))
    if url is not None:
        provider.metadata_url, provider.metadata_read_at = url, timezone.now()
    _set_protocol_values(provider, values)
    _check_addresses(provider)
    return provider


def _save(
    provider: IdentityProvider, diff: list[DiffLine], actor: Actor, *, client_secret: str | None
) -> IdentityProvider:
    if client_secret:
        provider.client_secret_id = store_secret(
            name=_SECRET, owner_table=OWNER_TABLE, owner_id=provider.pk, value=client_secret, actor=actor
        ).pk
    if {line.field for line in diff} & (_TESTED | {_SECRET}):
        provider.revision += 1
    if provider.metadata_found == {name: getattr(provider, name) for name in METADATA}:
        provider.metadata_found, provider.metadata_found_at = None, None
    provider.save()
    detail = "; ".join(f"{line.field}: {line.before} → {line.after}" for line in diff)
    sso_log.note(
        event="provider.changed", outcome=sso_log.Outcome.CHANGED, provider=provider,
        user=getattr(actor, "user", None), detail=detail, is_told=provider.is_offered and bool(diff),
    )  # fmt: skip
    return provider


def _values_of(provider: IdentityProvider) -> dict[str, Json]:
    return {name: getattr(provider, name) for name in _WATCHED}


def _differences(
    before: Mapping[str, Json], after: Mapping[str, Json], *, is_secret_new: bool
) -> list[DiffLine]:
    lines = [
        DiffLine(name, _shown(name, before[name]), _shown(name, after[name]))
        for name in _WATCHED
        if before[name] != after[name]
    ]
    return [*lines, DiffLine(_SECRET, "***", "***")] if is_secret_new else lines


def _shown(name: str, value: Json) -> str:
    if name == "certificates" and isinstance(value, list):
        return ", ".join(facts_of(str(pem)).fingerprint[:23] for pem in value) or "—"
    return str(value) or "—"


def _apply(approved: Approved) -> None:
    provider = locked(IdentityProvider(pk=approved.target_id))
    before = _values_of(provider)
    url = approved.arguments.get("metadata_url")
    values = cast(dict[str, Any], approved.arguments["values"])
    wanted = _set(provider, values, str(url) if url is not None else None, approved.proposer)
    secret = approved.secrets.get(_SECRET)
    diff = _differences(before, _values_of(wanted), is_secret_new=secret is not None)
    _save(wanted, diff, approved.proposer, client_secret=secret.reveal() if secret else None)


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


def checked_role(role: str, actor: Actor) -> str:
    """Return a role a provider may give, up to the actor's own. Raises: InvalidInput, Forbidden."""
    if role not in {each.value for each in MAPPABLE_ROLES}:
        msg = "Choose a role below owner: nobody becomes an owner because another system says so."
        raise InvalidInput(msg, fields={"role": [msg], "rules": [msg], "default_role": [msg]})
    check_may_grant(actor, Role(role))
    return role


def checked_name(text: str) -> str:
    """Return a name people can read on a button. Raises: InvalidInput."""
    name = " ".join(text.split())
    if not name or len(name) > 80 or not name.isprintable():
        msg = "Enter a name of at most 80 characters. People see it on the sign-in page."
        raise InvalidInput(msg, fields={"name": [msg]})
    return name


CHANGE_PROVIDER: Final = register_change(
    ChangeKind(
        key="sso.change_provider",
        label=_("Change an identity provider in use"),
        permission=PERMISSION,
        subject=Subject.IDENTITY_PROVIDERS,
        apply=_apply,
        state_of=state_of_provider,
    )
)
