"""The kinds of changes that can want a second person: what they change, and how they are carried out."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access.actors import UserActor
from tenants.accounts.access.catalogue import Sensitivity, permission
from tenants.foundation.crypto import Secret

type Json = str | int | float | bool | list["Json"] | dict[str, "Json"] | None


class Subject(TextChoices):
    """What a company can want two people for; each is a switch among its rules."""

    IDENTITY_PROVIDERS = "identity_providers", _("Changes of an identity provider in use")
    SSO_ENFORCEMENT = "sso_enforcement", _("Ending enforced single sign-on")
    OWNERS = "owners", _("Making somebody an owner")
    SIGN_IN_RULES = "sign_in_rules", _("Looser rules for signing in")


# What holds for a company that has said nothing.
DEFAULT_SUBJECTS: Final = (Subject.IDENTITY_PROVIDERS.value,)


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One thing that changes, in words people read; a secret is never shown, only that it changes."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A change two people agreed to, for whoever carries it out.

    Both held the permission a moment ago, the second has just proved who they are. The proposer may be
    somebody who came by a token.
    """

    change_id: UUID
    target_id: UUID | None
    arguments: Mapping[str, Json]
    secrets: Mapping[str, Secret]
    proposer: UserActor
    approver: UserActor


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeKind:
    """A kind of change.

    `apply` carries it out within the transaction of the approval: what it raises undoes the approval. `state_of`
    returns the state of the thing as JSON values and locks its rows; the approval is refused when it is not what it
    was when the change was proposed. `subject` is the company's switch; None: always wants two people.
    """

    key: str
    label: str | Promise
    permission: str
    subject: Subject | None
    apply: Callable[[Approved], None]
    state_of: Callable[[UUID | None], Json]


_kinds: dict[str, ChangeKind] = {}


def register_change(kind: ChangeKind) -> ChangeKind:
    """Make a kind known; called where the change is made, from an app's `ready()` on. Safe to repeat."""
    _kinds[kind.key] = kind
    return kind


def change_kind(key: str) -> ChangeKind | None:
    """The kind with this key, if this release knows it."""
    return _kinds.get(key)


def all_kinds() -> list[ChangeKind]:
    """Every kind, by key."""
    return [kind for _, kind in sorted(_kinds.items())]


def misdeclared_kinds() -> list[str]:
    """The kinds whose permission the catalogue does not mark as one that can want two people."""
    return [
        kind.key
        for kind in all_kinds()
        if permission(kind.permission).sensitivity is not Sensitivity.DUAL_CONTROL
    ]


def fingerprint(kind: ChangeKind, target_id: UUID | None) -> str:
    """A digest of the present state of what a change is about; its rows are locked until the transaction ends."""
    text = json.dumps(kind.state_of(target_id), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
