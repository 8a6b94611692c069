"""The people of a workspace, kept as our persons."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from integrations.capabilities import ProblemKind, RemotePerson, SourceError
from integrations.sync.problems import Problem
from integrations.sync.session import SyncSession
from tasks.drafts import PersonDraft
from tasks.models import Person
from tasks.services import upsert_people
from tenants.accounts.access import SYSTEM
from tenants.tenancy import atomic


def people_of(connector: str, people: Iterable[RemotePerson]) -> Mapping[str, UUID]:
    """Our ids of these people by their remote ids; new ones are added if the service tells their name."""
    by_ref = {_ref(connector, person.id): person for person in people}
    if not by_ref:
        return {}
    rows = Person.objects.filter(refs__overlap=list(by_ref)).values_list("pk", "refs")
    found = {ref: pk for pk, refs in rows for ref in refs if ref in by_ref}
    drafts = [_draft(ref, person) for ref, person in by_ref.items() if ref not in found and person.name]
    if drafts:
        found |= upsert_people(drafts=drafts, actor=SYSTEM)
    return {by_ref[ref].id: pk for ref, pk in found.items()}


def read_people(session: SyncSession) -> int:
    """Read everybody in the workspace; returns how many there are. A page of people is one call.

    Raises: SourceError, LimitReached.
    """
    cursor: str | None = None
    seen: set[str] = set()
    count = 0
    while True:
        session.check()
        try:
            page = session.source.people(cursor=cursor)
        except SourceError as error:
            if error.kind is not ProblemKind.FORBIDDEN:
                raise
            with atomic():
                session.journal.note(Problem("unknown_person", str(error)))
                session.journal.flush()
            return count
        drafts = [
            _draft(_ref(session.connection.connector, person.id), person)
            for person in page.people
            if not person.is_bot
        ]
        with atomic():
            session.hold()
            upsert_people(drafts=[draft for draft in drafts if draft.name], actor=SYSTEM)
        count += len(drafts)
        if page.next_cursor is None or page.next_cursor in seen:
            return count
        seen.add(cursor := page.next_cursor)


def _draft(ref: str, person: RemotePerson) -> PersonDraft:
    return PersonDraft(ref=ref, name=person.name, email=person.email or None, avatar_url=person.avatar_url)


def _ref(connector: str, remote_id: str) -> str:
    return f"{connector}:{remote_id}"
