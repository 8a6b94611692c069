"""Writes the people an outside service knows; the same e-mail address means the same person."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from tasks.drafts import PersonDraft
from tasks.importing.normalising import MAX_URL_CHARS, clean_name, clean_text
from tasks.models import Person
from tenants.accounts.access import Actor, require
from tenants.accounts.models import User
from tenants.tenancy import atomic, wait_for_turn

NAMELESS = "Someone"


@atomic
def upsert_people(*, drafts: Sequence[PersonDraft], actor: Actor) -> dict[str, UUID]:
    """Create the people who are new and update those known; returns our id for each `ref`; seven statements.

    A person is found by `ref`, else by e-mail address. A user with that address is linked to them.
    Raises: Forbidden.
    """
    require(actor, "tasks.import")
    # Two workspaces read at once bring the same people, and nothing but their refs may say so.
    wait_for_turn("tasks.people")
    wanted = {draft.ref: draft for draft in drafts}
    emails = {email for draft in wanted.values() if (email := clean_email(draft.email))}
    present: list[Person] = list(
        Person.objects.alias(lower_email=Lower("email"))
        .filter(Q(refs__overlap=list(wanted)) | Q(lower_email__in=emails))
        .select_for_update()
        .order_by("pk")
    )
    by_ref = {ref: person for person in present for ref in person.refs}
    by_email = {person.email.lower(): person for person in present if person.email}
    users = _free_users(emails)
    fresh: dict[UUID, Person] = {}
    changed: dict[UUID, Person] = {}
    for ref, draft in wanted.items():
        email = clean_email(draft.email)
        holder = by_email.get(email) if email else None
        person = by_ref.get(ref) or holder
        if person is None:
            person = Person(name=NAMELESS)
            fresh[person.pk] = person
        # An address stays with the person who has it already.
        is_changed = _take(person, draft, email if holder in (None, person) else None)
        if _link_user(person, users) or is_changed:
            changed[person.pk] = person
        by_ref[ref] = person
        if person.email:
            by_email[person.email.lower()] = person
    Person.objects.bulk_create(fresh.values())
    old = [person for pk, person in changed.items() if pk not in fresh]
    for person in old:
        person.updated_at = timezone.now()
    if old:
        Person.objects.bulk_update(old, ["name", "email", "avatar_url", "refs", "user", "updated_at"])
    return {ref: by_ref[ref].pk for ref in wanted}


def _free_users(emails: set[str]) -> dict[str, UUID]:
    """Users with these addresses whom no person stands for yet, by address."""
    users = User.objects.filter(email__in=emails, person__isnull=True)
    return dict(users.values_list("email", "pk"))


def _link_user(person: Person, users: dict[str, UUID]) -> bool:
    """Link the user with the person's address, once."""
    user_id = users.pop(person.email, None) if person.email and person.user_id is None else None
    if user_id is None:
        return False
    person.user_id = user_id
    return True


def clean_email(email: str | None) -> str | None:
    """An address in lower case, or None when it is none."""
    text = clean_text(email or "").strip().lower()
    try:
        validate_email(text)
    except ValidationError:
        return None
    return text


def _take(person: Person, draft: PersonDraft, email: str | None) -> bool:
    """Take over what the draft tells; says whether anything changed. What it does not know is kept."""
    before = (person.name, person.email, person.avatar_url, tuple(person.refs))
    person.name = clean_name(draft.name) or person.name
    person.email = email or person.email
    url = clean_text(draft.avatar_url).strip()
    person.avatar_url = url if url and len(url) <= MAX_URL_CHARS else person.avatar_url
    if draft.ref not in person.refs:
        person.refs = [*person.refs, draft.ref]
    return before != (person.name, person.email, person.avatar_url, tuple(person.refs))
