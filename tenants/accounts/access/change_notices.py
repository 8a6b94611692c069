"""Telling people of changes that want two: those who could agree, whoever proposed, and of what was done alone."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.urls import reverse

from tenants.accounts.access import change_letters as letters
from tenants.accounts.access.changes import change_kind
from tenants.accounts.access.holders import people_holding
from tenants.accounts.access.left_alone import LEFT_ALONE
from tenants.accounts.models import ProposedChange, User
from tenants.foundation.letters import Letter, LetterKind, write_letter
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.addresses import primary_address

# Who is told of a change that one person made alone.
_WATCHING: Final = "accounts.manage_sign_in"


def send_change_letters(change_id: UUID) -> int:
    """Write and send what there is to say about a change now; return how many letters went out.

    Raises: ExternalServiceError (the job is repeated: somebody may get a letter twice, nobody none).
    """
    with atomic():
        change = (
            ProposedChange.objects.select_related("proposed_by", "decided_by").filter(pk=change_id).first()
        )
        written = list(_letters(change)) if change else []
    for letter in written:
        letter.send()
    return len(written)


def _letters(change: ProposedChange) -> Iterable[Letter]:
    kind = change_kind(change.kind)
    if kind is None:
        return
    what = f"{kind.label}: {change.target_name}" if change.target_name else str(kind.label)
    facts = {
        "company": current_tenant().name, "what": what, "who": str(change.proposed_by or "—"),
        "reason": change.reason or "—", "note": change.note, "by": str(change.decided_by or ""),
        "outcome": str(ProposedChange.State(change.state).label),
        "link": primary_address(reverse("accounts:change", args=[change.pk])),
    }  # fmt: skip
    if change.kind == LEFT_ALONE.key:
        line = change.diff[0]
        facts |= {
            "permission": change.target_name,
            "before": line["before"],
            "left": line["after"],
            "until": f"{change.expires_at:%Y-%m-%d %H:%M} UTC",
        }
    letter, people = _audience(change, kind.permission)
    for person in people:
        names = letter.names
        yield write_letter(
            letter.code,
            to=person.email,
            language=person.language or current_tenant().language,
            facts={name: value for name, value in facts.items() if name in names},
        )


def _audience(change: ProposedChange, permission: str) -> tuple[LetterKind, list[User]]:
    if change.kind == LEFT_ALONE.key:
        # Also who was shut out: they may know why it should not be so.
        before = User.objects.filter(pk__in=change.arguments["before"]).order_by("pk")
        return letters.LEFT_ALONE, list(
            {each.pk: each for each in (*before, *people_holding(_WATCHING))}.values()
        )
    if change.is_alone:
        return letters.ALONE, people_holding(_WATCHING)
    if change.is_open:
        return letters.PROPOSED, [
            each
            for each in people_holding(permission)
            if each.pk != change.proposed_by_id and each.created_at < change.proposed_at
        ]
    is_own = change.decided_by_id is not None and change.decided_by_id == change.proposed_by_id
    proposer = change.proposed_by
    is_told = proposer is not None and proposer.is_active and not is_own
    return letters.DECIDED, [proposer] if is_told and proposer is not None else []
