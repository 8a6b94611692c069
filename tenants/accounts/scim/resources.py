"""Our rows as SCIM resources, and what a resource says taken apart into our columns."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from scim2_models import Email, GroupMembership, InvalidValueException, Meta, Name, Reference

from tenants.accounts.models import GroupMembership as MembershipRow
from tenants.accounts.models import ScimEmail, ScimGroup, ScimPerson
from tenants.accounts.scim.schemas import MOST_EMAILS, Enterprise, Group, Member, Person
from tenants.foundation.seen_text import has_unseen
from tenants.tenancy.addresses import canonical_host, public_address

BASE_PATH: Final = "/scim/v2"
_LONGEST: Final = 256
_LONGEST_NAME: Final = 120
# SCIM's names of what stands in `ScimPerson.attributes`.
PLAIN: Final = {
    "display_name": "displayName",
    "title": "title",
    "preferred_language": "preferredLanguage",
    "locale": "locale",
    "timezone": "timezone",
}
NAME_PARTS: Final = {
    "formatted": "name.formatted",
    "family_name": "name.familyName",
    "given_name": "name.givenName",
    "middle_name": "name.middleName",
    "honorific_prefix": "name.honorificPrefix",
    "honorific_suffix": "name.honorificSuffix",
}
ENTERPRISE_PARTS: Final = {
    "employee_number": "enterprise.employeeNumber",
    "cost_center": "enterprise.costCenter",
    "organization": "enterprise.organization",
    "division": "enterprise.division",
    "department": "enterprise.department",
}
# Stands there when the directory took back what it said of `active`: the state stays as it was.
UNSAID: Final = "active.unsaid"


def base_address() -> str:
    """Where our SCIM service lies: on the company's canonical host, whatever host was asked. One query."""
    return public_address(canonical_host(), BASE_PATH)


def etag(version: int) -> str:
    """The weak entity tag of a version."""
    return f'W/"{version}"'


def key_of(user_name: str) -> str:
    """A user name as it is compared: composed and in lower case."""
    composed = unicodedata.normalize("NFC", user_name.strip())
    return unicodedata.normalize("NFC", composed.lower())


# --- from rows


def with_all(people: QuerySet[ScimPerson], *, groups: bool = True) -> QuerySet[ScimPerson]:
    """Bring along what a person's resource shows: two or three statements, however many people."""
    rows = people.select_related("user").prefetch_related("emails")
    if not groups:
        return rows
    memberships = MembershipRow.objects.select_related("group").filter(group__scim__isnull=False)
    return rows.prefetch_related(
        Prefetch("user__group_memberships", queryset=memberships, to_attr="scim_memberships")
    )


def person_resource(row: ScimPerson, base: str) -> Any:
    """Show a person; their groups only when `with_all` brought them."""
    kept: dict[str, Any] = row.attributes
    parts: dict[str, Any] = {field: kept[name] for field, name in NAME_PARTS.items() if name in kept}
    company: dict[str, Any] = {field: kept[name] for field, name in ENTERPRISE_PARTS.items() if name in kept}
    memberships: Sequence[MembershipRow] = getattr(row.user, "scim_memberships", ())
    shown = Person(
        id=str(row.user_id),
        external_id=row.external_id or None,
        user_name=row.user_name,
        active=None if UNSAID in kept else row.is_active,
        name=Name(**parts) if parts else None,
        emails=[_email(each) for each in row.emails.all()] or None,
        groups=[
            GroupMembership(
                value=str(each.group_id),
                ref=Reference(f"{base}/Groups/{each.group_id}"),
                display=each.group.name,
                type="direct",
            )
            for each in memberships
        ]
        or None,
        meta=_meta("User", row, f"{base}/Users/{row.user_id}"),
    )  # fmt: skip
    for field, name in PLAIN.items():
        if name in kept:
            setattr(shown, field, kept[name])
    if company:
        shown[Enterprise] = Enterprise(**company)
    return shown


def group_resource(row: ScimGroup, base: str, members: Iterable[tuple[UUID, str]] | None = None) -> Group:
    """Show a group; `members` are (id, name), None leaves them out."""
    return Group(
        id=str(row.group_id),
        external_id=row.external_id or None,
        display_name=row.group.name,
        members=[
            Member(value=str(number), ref=Reference(f"{base}/Users/{number}"), display=name, type="User")
            for number, name in members or ()
        ]
        or None,
        meta=_meta("Group", row, f"{base}/Groups/{row.group_id}"),
    )


def members_of(groups: Iterable[ScimGroup]) -> dict[UUID, list[tuple[UUID, str]]]:
    """The (id, name) of the people in some groups, by group; one statement."""
    found: dict[UUID, list[tuple[UUID, str]]] = {row.group_id: [] for row in groups}
    rows = MembershipRow.objects.filter(
        group__in=found, user__scim__deleted_at=None, user__scim__isnull=False
    )
    for group_id, user_id, name in rows.order_by("user_id").values_list("group_id", "user_id", "user__name"):
        found[group_id].append((user_id, name))
    return found


def _email(row: ScimEmail) -> Email:
    # As it was checked when it came in.
    return Email.model_construct(
        _fields_set={"value", "type", "display", "primary"},
        value=row.value,
        type=Email.Type(row.type) if row.type else None,
        display=row.display or None,
        primary=row.is_primary,
    )


def _meta(kind: str, row: ScimPerson | ScimGroup, location: str) -> Meta:
    return Meta(
        resource_type=kind,
        created=row.created_at,
        last_modified=row.updated_at,
        location=location,
        version=etag(row.version),
    )


# --- from resources


def attributes_of(resource: Any) -> dict[str, str]:
    """What is kept of a person besides the columns. Raises: InvalidValueException (too long)."""
    kept: dict[str, str] = {}
    holders: tuple[tuple[Any, dict[str, str]], ...] = (
        (resource, PLAIN), (resource.name, NAME_PARTS), (resource[Enterprise], ENTERPRISE_PARTS),
    )  # fmt: skip
    for holder, names in holders:
        for field, name in names.items():
            value = getattr(holder, field, None) if holder is not None else None
            if value:
                kept[name] = checked(value, name)
    return kept


def shown_name(resource: Any, fallback: str) -> str:
    """How a person is called on our pages."""
    name = resource.name
    parts = [name.given_name, name.family_name] if name is not None else []
    candidates = (
        resource.display_name, name.formatted if name is not None else "",
        " ".join(part for part in parts if part), fallback.partition("@")[0],
    )  # fmt: skip
    chosen = next((text.strip() for text in candidates if text and text.strip()), fallback)
    return unicodedata.normalize("NFC", " ".join(chosen.split()))[:_LONGEST_NAME]


def emails_of(resource: Any) -> list[ScimEmail]:
    """The addresses of a person as unsaved rows, in order. Raises: InvalidValueException."""
    given: list[Email] = [each for each in resource.emails or [] if each.value]
    if len(given) > MOST_EMAILS:
        raise InvalidValueException(detail=f"A person has {MOST_EMAILS} addresses at most.")
    if sum(bool(each.primary) for each in given) > 1:
        raise InvalidValueException(detail="Only one address can be the primary one.")
    return [
        ScimEmail(
            position=number,
            value=checked(str(each.value), "emails.value", 254),
            type=checked(str(each.type or ""), "emails.type", 40),
            display=checked(each.display or "", "emails.display"),
            is_primary=each.primary,
        )
        for number, each in enumerate(given)
    ]


def checked(text: str, name: str, longest: int = _LONGEST, *, joiners: bool = True) -> str:
    """Return a text composed (NFC), when it fits and holds nothing that cannot be seen.

    `joiners` lets those pass that a script or an emoji needs. Raises: InvalidValueException.
    """
    text = unicodedata.normalize("NFC", text)
    if len(text) > longest:
        raise InvalidValueException(detail=f"{name} is longer than {longest} characters.")
    if has_unseen(text, joiners=joiners):
        detail = (
            f"{name} holds characters that cannot be seen: control or direction characters, or line breaks."
        )
        raise InvalidValueException(detail=detail)
    return text
